"""What a flow record is: fields, log formats, batches and codecs."""
