"""What is measured of state models and of findings (Sec. 3 and 4)."""
