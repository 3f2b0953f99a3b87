"""``vpcflow top``: the flows of a running capture, live in the terminal."""
