#!/usr/bin/python3
"""The short form of the campaign: deaths at every eighth step, other ones each time, as many as there is time for."""

import sys

import campaign

if __name__ == "__main__":
    short = ["--every", "8", "--seconds"]
    sys.exit(campaign.main([*short, "30"]) or campaign.main([*short, "20", "--sink", "zeromq"]))
