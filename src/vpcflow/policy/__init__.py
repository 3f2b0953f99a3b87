"""Security groups and network ACLs: judge a flow, name the rule, write the ruleset."""
