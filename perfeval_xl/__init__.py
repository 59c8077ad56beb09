"""Fill, score, check and consolidate the performance self-assessment forms (部门整体绩效自评表) of Chinese districts."""

__version__ = "0.1.0"
