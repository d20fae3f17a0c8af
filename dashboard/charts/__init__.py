"""Pictures as pure functions: a frame of published rows in, a Plotly figure out. Report and dashboard share them."""
