"""EC2: the VPC, its parts and their flow logs, over the API."""
