"""How what a night costs grows with the history: one made-up shop, from one to a hundred million lines."""
