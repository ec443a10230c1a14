"""What the hub does with phones beside sentences: pairing, looking after them, a page on them."""
