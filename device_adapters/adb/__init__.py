"""How a phone is reached: adb on plain TCP, over TLS and by USB, behind one seam."""
