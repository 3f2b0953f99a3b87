"""vpcflow: VPC flow logging as open software."""
