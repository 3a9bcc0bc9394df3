/* The entries of the state (position.h) as text, for people. */
#ifndef TIDINGS_BRIDGE_KOPANO_DESCRIBE_H
#define TIDINGS_BRIDGE_KOPANO_DESCRIBE_H

#include "bridge/driver.h"

describe_fn kopano_describe;

#endif
