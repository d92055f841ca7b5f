"""What goes over a broker: messages that nobody but the producer can make and nobody but its readers can open, and how readers find them."""
