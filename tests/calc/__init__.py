"""LibreOffice for the tests: ``office`` starts and ends it, ``engine`` lets unmodified xlwings work on it."""
