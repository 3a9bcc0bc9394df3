#include "tests/fakekopano/soap.h"

#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "tests/fakekopano/method.h"
#include "tests/fakekopano/tags.h"

#define URI_METHODS      "urn:zarafa"
#define URI_ENVELOPE     "http://schemas.xmlsoap.org/soap/envelope/"
#define URI_ENVELOPE_1_2 "http://www.w3.org/2003/05/soap-envelope"
#define MAX_FAULTS       8

static const char head[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			   "<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\""
			   " xmlns:SOAP-ENC=\"http://schemas.xmlsoap.org/soap/encoding/\""
			   " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
			   " xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\""
			   " xmlns:xop=\"http://www.w3.org/2004/08/xop/include\""
			   " xmlns:xmlmime=\"http://www.w3.org/2004/11/xmlmime\""
			   " xmlns:ns=\"urn:zarafa\">";
static const char body_encoded[] =
	"<SOAP-ENV:Body SOAP-ENV:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\">";
static const char tail[] = "</SOAP-ENV:Body></SOAP-ENV:Envelope>\r\n";

static void fault_answer(struct answer *a, const char *text)
{
	a->status = 500;
	a->chunked = false;
	a->body.len = 0;
	buf_str(&a->body, head);
	buf_str(&a->body, "<SOAP-ENV:Body><SOAP-ENV:Fault><faultcode>SOAP-ENV:Client</faultcode><faultstring>");
	buf_xml(&a->body, text, strlen(text));
	buf_str(&a->body, "</faultstring></SOAP-ENV:Fault>");
	buf_str(&a->body, tail);
}

static const struct xml_node *qualified_child(const struct xml *doc, const struct xml_node *node, const char *name)
{
	for (uint32_t at = node->first; at; at = doc->nodes[at].next) {
		const struct xml_node *child = &doc->nodes[at];
		const char *uri = xml_uri(doc, child);

		if (strcmp(xml_local(child), name) == 0 && uri &&
		    (strcmp(uri, URI_ENVELOPE) == 0 || strcmp(uri, URI_ENVELOPE_1_2) == 0))
			return child;
	}
	return NULL;
}

/* The method element, or NULL with the fault written. */
static const struct xml_node *method_element(const struct xml *doc, struct answer *a)
{
	const struct xml_node *envelope = qualified_child(doc, doc->nodes, "Envelope");
	const struct xml_node *body = envelope ? qualified_child(doc, envelope, "Body") : NULL;
	const struct xml_node *method = body && body->first ? &doc->nodes[body->first] : NULL;
	const char *uri = method ? xml_uri(doc, method) : NULL;
	char text[200];

	if (!method) {
		fault_answer(a, "HTTP method error");
		return NULL;
	}
	if (uri && strcmp(uri, URI_METHODS) == 0 && method_named(xml_local(method)) >= 0)
		return method;
	snprintf(text, sizeof(text), "Method '%.100s' not implemented: method name or namespace not recognized",
		 method->name);
	fault_answer(a, text);
	return NULL;
}

static void find_session(struct call *c, const struct method *m)
{
	uint64_t id = arg_uint64(c, c->in, "ulSessionId");

	if (m->flags & METHOD_NO_SESSION)
		return;
	c->session = call_faulted(c) ? NULL : session_find(c->server, id, c->peer);
	if (!c->session)
		c->er = KCERR_END_OF_SESSION;
}

static void write_answer(struct call *c, const struct method *m)
{
	c->out->len = 0;
	buf_str(c->out, head);
	buf_str(c->out, body_encoded);
	buf_printf(c->out, "<ns:%s>", m->response);
	m->run(c);
	buf_printf(c->out, "</ns:%s>", m->response);
	buf_str(c->out, tail);
}

/* A poll counts as a call of every session in its group, when it comes and when it is answered. */
static void run_waiting(struct call *c, const struct method *m, struct answer *a)
{
	struct server *s = c->server;

	pthread_rwlock_rdlock(&s->lock);
	find_session(c, m);
	if (c->session) {
		c->session_id = c->session->id;
		a->chunked = c->session->capabilities & CAP_ENHANCED_ICS;
		sessions_touch_group(s, c->session->group);
	}
	c->session = NULL;
	pthread_rwlock_unlock(&s->lock);
	write_answer(c, m);
	a->none |= c->no_answer;
	pthread_rwlock_rdlock(&s->lock);
	c->session = c->er ? NULL : session_find(s, c->session_id, c->peer);
	if (c->session)
		sessions_touch_group(s, c->session->group);
	pthread_rwlock_unlock(&s->lock);
}

/* Run the method under the lock that it needs. */
static void run(struct call *c, const struct method *m, struct answer *a)
{
	struct server *s = c->server;
	uint32_t capabilities;
	uint32_t er = c->er;

	if (m->flags & METHOD_WAITS) {
		run_waiting(c, m, a);
		return;
	}
	c->exclusive = m->flags & METHOD_EXCLUSIVE;
	do {
		c->exclusive |= c->needs_exclusive;
		c->needs_exclusive = false;
		if (c->exclusive)
			pthread_rwlock_wrlock(&s->lock);
		else
			pthread_rwlock_rdlock(&s->lock);
		c->w = s->w;
		c->er = er;
		find_session(c, m);
		capabilities = c->session ? c->session->capabilities : 0;
		write_answer(c, m);
		pthread_rwlock_unlock(&s->lock);
	} while (c->needs_exclusive);
	a->chunked = (capabilities | c->capabilities) & CAP_ENHANCED_ICS;
}

static void boundary_make(char *boundary, size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char random[60];
	size_t n = 2;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		abort();
	memcpy(boundary, "==", 2);
	for (size_t i = 0; i < sizeof(random) && n < size - 3; i++)
		boundary[n++] = digits[random[i] & 63];
	memcpy(boundary + n, "==", 3);
}

/* The XML becomes the first part, each stream one more. */
static void make_multipart(struct call *c, struct answer *a)
{
	struct buf xml = a->body;
	char boundary[68];

	boundary_make(boundary, sizeof(boundary));
	a->body = (struct buf){0};
	buf_printf(&a->body,
		   "--%s\r\nContent-Type: application/xop+xml; charset=utf-8; type=\"text/xml\"\r\n"
		   "Content-Transfer-Encoding: binary\r\nContent-ID: <SOAP-ENV:Envelope>\r\n\r\n",
		   boundary);
	buf_put(&a->body, xml.data, xml.len);
	for (uint32_t i = 0; i < c->n_parts; i++) {
		buf_printf(&a->body,
			   "\r\n--%s\r\nContent-Type: application/binary\r\nContent-Transfer-Encoding: binary\r\n"
			   "Content-ID: emcas-%u\r\n\r\n",
			   boundary, i);
		buf_put(&a->body, c->parts[i].data, c->parts[i].len);
	}
	buf_printf(&a->body, "\r\n--%s--", boundary);
	buf_free(&xml);
	snprintf(a->content_type, sizeof(a->content_type),
		 "multipart/related; charset=utf-8; boundary=\"%s\"; type=\"application/xop+xml\"; "
		 "start=\"<SOAP-ENV:Envelope>\"; start-info=\"text/xml\"",
		 boundary);
}

static void fill(struct buf *b, uint64_t n, char c)
{
	memset(buf_room(b, n), c, n);
	b->len += n;
}

/* An element that is too big for anybody, before the end of the method's answer. */
static void insert_oversize(struct buf *b, uint64_t n)
{
	struct buf whole = {0};
	const char *end = memmem(b->data, b->len, "</ns:", 5);
	size_t before = end ? (size_t)(end - b->data) : b->len;

	buf_put(&whole, b->data, before);
	buf_str(&whole, "<lpszA>");
	fill(&whole, n, 'x');
	buf_str(&whole, "</lpszA>");
	buf_put(&whole, b->data + before, b->len - before);
	buf_free(b);
	*b = whole;
}

static void spoil(struct answer *a, const struct fault *f)
{
	switch (f->kind) {
	case FAULT_DROP:
		a->limit = f->n;
		a->none = f->n == 0;
		break;
	case FAULT_DRIP:
		a->drip = f->n ? f->n : 1;
		break;
	case FAULT_TRUNCATE:
		a->body.len = f->n < a->body.len ? f->n : a->body.len;
		break;
	case FAULT_GARBAGE:
		a->body.len = 0;
		fill(&a->body, f->n, '<');
		for (uint64_t i = 0; i < f->n; i++)
			a->body.data[i] = (char)(i * 7919 >> 3 ^ i);
		break;
	case FAULT_OVERSIZE:
		insert_oversize(&a->body, f->n);
		break;
	case FAULT_HTTP:
		a->status = (unsigned)f->n;
		a->body.len = 0;
		break;
	default:
		break;
	}
}

static void call_method(struct server *s, const struct peer *peer, const struct xml *doc, const struct xml_node *in,
			struct answer *a)
{
	int index = method_named(xml_local(in));
	struct call c = {
		.server = s, .doc = doc, .in = in, .out = &a->body, .peer = peer->name, .by_socket = peer->by_socket};
	struct fault faults[MAX_FAULTS];
	uint32_t n = faults_take(&s->faults, methods[index].name, faults, MAX_FAULTS);

	__atomic_add_fetch(&s->calls[index], 1, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < n; i++) {
		if (faults[i].kind == FAULT_SLOW || faults[i].kind == FAULT_NEVER)
			fault_wait(&s->faults, &faults[i]);
		if (faults[i].kind == FAULT_NEVER)
			a->none = true;
		if (faults[i].kind == FAULT_ERROR)
			c.er = (uint32_t)faults[i].n;
	}
	if (!a->none)
		run(&c, &methods[index], a);
	if (call_faulted(&c))
		fault_answer(a, c.fault);
	else if (c.n_parts)
		make_multipart(&c, a);
	for (uint32_t i = 0; i < n; i++)
		spoil(a, &faults[i]);
	call_end(&c);
}

void soap_answer(struct server *s, const struct peer *peer, char *text, size_t len, struct answer *a)
{
	const struct xml_node *in;
	struct xml doc;

	*a = (struct answer){.status = 200, .limit = NO_LIMIT};
	snprintf(a->content_type, sizeof(a->content_type), "text/xml; charset=utf-8");
	if (len == 0) {
		fault_answer(a, "Data required for operation");
		return;
	}
	switch (xml_parse(&doc, text, len)) {
	case XML_TRUNCATED:
		/* The real server goes on waiting for the rest. */
		fault_wait(&s->faults, &(struct fault){.kind = FAULT_SLOW, .n = 60000});
		a->none = true;
		break;
	case XML_MALFORMED:
		fault_answer(a, "HTTP method error");
		break;
	default:
		in = method_element(&doc, a);
		if (in)
			call_method(s, peer, &doc, in, a);
	}
	xml_free(&doc);
}
