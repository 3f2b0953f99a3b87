"""What listens: AWS's wire protocols over the control plane and the records."""
