"""Figures that a page and the offline report both show: Plotly, light and dark. One file each."""
