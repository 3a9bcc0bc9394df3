/* Path patterns of the configuration (`follow.folders`).
 *
 * A path is names joined by "/", as Folder.path of change.proto: a slash in a name is "\/", a backslash "\\". A pattern
 * is the same, and
 *     *      within a name stands for any characters, also none; alone it is any one name
 *     **     alone between slashes stands for any number of names, also none; as the last it stands for one or more
 *     \*     is a star
 * Everything else is exact, case included. So (a blank keeps slash and star apart here)
 *     Inbox            the Inbox alone
 *     Inbox/ *         its own subfolders, not the Inbox
 *     Inbox/ **        all folders below it, not the Inbox
 *     ** /Archive      every folder of this name, at the top too
 *     a/ ** /z         every z below a, also a/z
 *     **               every folder */
#ifndef TIDINGS_BRIDGE_PATTERN_H
#define TIDINGS_BRIDGE_PATTERN_H

#include "core/arena.h"

bool pattern_matches(const char *pattern, struct slice path); /* an empty path is never matched */

/* Some folder just below the path may match, whatever its name; an empty path is the top. */
bool pattern_may_match_below(const char *pattern, struct slice parent);

/* It has no star: it names one folder. */
bool pattern_is_plain(const char *pattern);

/* The path that a plain pattern names. */
struct slice pattern_path(const char *pattern, struct arena *arena);

/* What is wrong with it; NULL: nothing. */
const char *pattern_mistake(const char *pattern);

#endif
