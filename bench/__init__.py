"""Measurements of Archer. Figures are ratios to the calibration of the same run, and exact counters."""
