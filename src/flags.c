/*
 * A request's bit fields, as the C compiler lays them out. Where the field before
 * them does not end at a word, as in nginx 1.30, bindgen counts from elsewhere.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

/* Whether an earlier run of the phases may have left something behind. */
ngx_uint_t
ngx_http_crossdomain_media_has_run(const ngx_http_request_t *r)
{
    return r->internal || r->filter_finalize;
}

/* How many changes of the URI nginx still allows. */
ngx_uint_t
ngx_http_crossdomain_media_uri_changes(const ngx_http_request_t *r)
{
    return r->uri_changes;
}

/* Whatever the parser has found so far, the URI is to be decoded and normalised. */
void
ngx_http_crossdomain_media_reread_uri(ngx_http_request_t *r)
{
    r->complex_uri = 1;
    r->empty_path_in_uri = 0;
}
