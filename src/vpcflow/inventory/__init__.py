"""What exists: VPCs, subnets, network interfaces, instances, and who held an address when."""
