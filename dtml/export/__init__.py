"""What a person takes away of a run: its model, its samples and curves as tables, its experiment.

Each format is one function in a file of its own. Nothing here imports torch when it is imported, so that the
dashboard offers what needs none of it at the click.
"""
