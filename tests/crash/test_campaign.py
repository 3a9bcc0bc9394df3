#!/usr/bin/python3
"""The short form of the campaign: deaths at every eighth step, other ones each time, as many as there is time for."""

import sys

import campaign

if __name__ == "__main__":
    sys.exit(campaign.main(["--every", "8", "--seconds", "40"]))
