"""Where packets come from: a ring of the kernel, capture files, NFLOG, VXLAN mirrors."""
