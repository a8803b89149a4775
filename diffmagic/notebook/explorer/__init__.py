"""The explorer: a panel of widgets over a function, its derivatives and how they come about."""
