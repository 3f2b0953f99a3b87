"""A made-up VPC and its flow logs, as AWS would deliver them: for tutorials, tests and benchmarks.

Nothing here is real traffic: accounts, interfaces and addresses outside the VPC are from the
ranges that are set aside for documentation and benchmarks.
"""
