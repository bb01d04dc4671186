"""Stellar labels beside SLAM and their errors: networks, both estimates joined, out-of-fold calibration."""
