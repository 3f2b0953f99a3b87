"""A small VPC of network namespaces: hosts, firewall, services, traffic and attacks.

One supervisor process, the init of a PID namespace of its own, holds everything: when it dies,
by whatever signal, the hosts' processes die with it, and with them their anonymous network
namespaces, the links between these and their rulesets.
"""
