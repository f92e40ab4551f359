"""Images: archives, decoding, what is kept."""
