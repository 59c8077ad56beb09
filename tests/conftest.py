"""What several test files share: where LibreOffice is, and whether it must be there."""

from __future__ import annotations

import os
import shutil

import pytest

REQUIRED = bool(os.environ.get("PERFEVAL_REQUIRE_OFFICE"))


@pytest.fixture(scope="session")
def soffice() -> str:
    """The program that opens what we write; without it the test is skipped, or fails where CI demands it."""
    path = shutil.which("soffice")
    if path is None:
        if REQUIRED:
            pytest.fail("LibreOffice is missing and PERFEVAL_REQUIRE_OFFICE is set")
        pytest.skip("LibreOffice is missing (apt install libreoffice-calc)")
    return path
