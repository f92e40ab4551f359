"""The dashboard: its entry, and what its pages share. It never imports torch."""
