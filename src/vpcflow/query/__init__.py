"""Questions about flow records, and the engines that answer them."""
