"""States made to a target (Sec. 2.2 and 2.3), and whether they are still states."""
