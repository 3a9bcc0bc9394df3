#include "tests/fakekopano/method.h"
#include "tests/fakekopano/tags.h"

/* Notifications do not exist yet: only a session that is gone is told so. */
void method_notify_get_items(struct call *c)
{
	put_uint(c, "er", c->er ? c->er : KCERR_NO_SUPPORT);
}
