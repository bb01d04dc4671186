"""Public archives: what they offer, how they are asked, and the plan of a fetch that survives interruptions."""
