"""Numbers on embeddings and predictions. One file each."""
