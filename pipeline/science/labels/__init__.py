"""Stellar labels beside SLAM: networks, the joint estimate, and errors calibrated out of fold."""
