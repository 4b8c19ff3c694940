# Methods, ranges, connections that are kept, and HTTP versions.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;

# The static module answers GET and HEAD only, so other methods go to an upstream.
our $Upstream = <<'CONFIG';
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / {
            add_header Allow "GET, HEAD, OPTIONS, POST";
            return 200 "$request_method $request_uri\n";
        }
    }
CONFIG

our $Proxy = <<'CONFIG';
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        proxy_pass http://$TEST_NGINX_UPSTREAM;
    }
CONFIG

run_tests();

__DATA__

=== HEAD with a token is granted
--- request eval: "HEAD " . signed("/media/a.txt")
--- granted
--- response_headers
Content-Length: 8
Referrer-Policy: no-referrer
--- response_body



=== HEAD without a token is redirected
--- request
HEAD /media/a.txt?x=1
--- redirected: https://www.example.com/media/a.txt?x=1
--- response_body



=== HEAD with a bad token is refused
--- request
HEAD /media/a.txt?token=x
--- refused: 403
--- response_body



=== a range is granted as part of the file
--- request eval: "GET " . signed("/media/a.txt")
--- more_headers
Range: bytes=0-3
--- granted
--- error_code: 206
--- response_body: priv
--- response_headers
Content-Range: bytes 0-3/8
Referrer-Policy: no-referrer



=== a range that cannot be met is 416, after the grant
--- request eval: "GET " . signed("/media/a.txt")
--- more_headers
Range: bytes=100-
--- error_code: 416
--- response_headers
Referrer-Policy: no-referrer



=== a range without a token is redirected
--- request
GET /media/a.txt
--- more_headers
Range: bytes=0-3
--- redirected: https://www.example.com/media/a.txt



=== a conditional request is granted as 304
--- user_files
>>> media/a.txt 201501010000.00
private
--- request eval: "GET " . signed("/media/a.txt")
--- more_headers
If-Modified-Since: Thu, 01 Jan 2015 00:00:00 GMT
--- error_code: 304
--- response_headers
Referrer-Policy: no-referrer



=== a conditional request without a token is no 304
--- user_files
>>> media/a.txt 201501010000.00
private
--- request
GET /media/a.txt
--- more_headers
If-Modified-Since: Thu, 01 Jan 2015 00:00:00 GMT
--- redirected: https://www.example.com/media/a.txt



=== POST with a token is granted
--- http_config eval: $main::Upstream
--- config eval: $main::Proxy
--- request eval: "POST " . signed("/media/a.txt") . "\nbody"
--- granted
--- response_body
POST /media/a.txt



=== POST without a token is redirected, its body discarded
--- http_config eval: $main::Upstream
--- config eval: $main::Proxy
--- request
POST /media/a.txt
body
--- redirected: https://www.example.com/media/a.txt



=== POST with a bad token is refused
--- http_config eval: $main::Upstream
--- config eval: $main::Proxy
--- request
POST /media/a.txt?token=x
body
--- refused: 403



=== a token in a body is none
--- http_config eval: $main::Upstream
--- config eval: $main::Proxy
--- request eval: "POST /media/a.txt\n" . token_arg("/media/a.txt")
--- more_headers
Content-Type: application/x-www-form-urlencoded
--- redirected: https://www.example.com/media/a.txt



=== OPTIONS is guarded as well
--- http_config eval: $main::Upstream
--- config eval: $main::Proxy
--- request eval: [ "OPTIONS /media/a.txt", "OPTIONS " . signed("/media/a.txt") ]
--- error_code eval: [ 302, 200 ]
--- response_headers eval: [ "! Allow", "Allow: GET, HEAD, OPTIONS, POST" ]



=== OPTIONS * reaches no guarded file
--- config
    location / {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    }
--- raw_request eval: "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
--- error_code_like: ^(302|4\d\d)$
--- response_body_unlike: private



=== PUT, DELETE and unknown methods are guarded as well
--- http_config eval: $main::Upstream
--- config eval: $main::Proxy
--- request eval: [ map { "$_ /media/a.txt" } "PUT", "DELETE", "PATCH", "PROPFIND", "BREW" ]
--- error_code eval: [ (302) x 5 ]



=== on one connection a grant does not last for the next request
--- pipelined_requests eval
[ "GET " . signed("/media/a.txt"), "GET /media/a.txt", "GET /media/a.txt?token=x", "GET " . signed("/media/a.txt"), "GET /media/b.txt" ]
--- error_code eval: [ 200, 302, 403, 200, 302 ]
--- response_headers eval
[ "! Location", "Location: https://www.example.com/media/a.txt", "! Location", "! Location", "Location: https://www.example.com/media/b.txt" ]



=== on one connection a refusal does not last either
--- pipelined_requests eval: [ "GET /media/a.txt?token=x", "GET " . signed("/media/a.txt") ]
--- error_code eval: [ 403, 200 ]
--- response_body eval: [ qr/403/, "private\n" ]



=== on one connection the headers of a refusal are its own
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    }
    location /open/ { }
--- pipelined_requests eval: [ "GET /media/a.txt", "GET /open/a.txt", "GET " . signed("/media/a.txt"), "GET /open/a.txt" ]
--- error_code eval: [ 302, 200, 200, 200 ]
--- response_headers eval
[ "Cache-Control: no-store", "! Cache-Control\n! Referrer-Policy", "! Cache-Control\nReferrer-Policy: no-referrer", "! Referrer-Policy" ]



=== HTTP/1.0
--- request eval: [ "GET " . signed("/media/a.txt") . " HTTP/1.0", "GET /media/a.txt HTTP/1.0" ]
--- error_code eval: [ 200, 302 ]



=== HTTP/2 with a token is granted
--- http2
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- granted



=== HTTP/2 without a token is redirected
--- http2
--- request
GET /media/a.txt?x=1
--- redirected: https://www.example.com/media/a.txt?x=1



=== HTTP/2 with a bad token is refused
--- http2
--- request
GET /media/a.txt?token=x&x=1
--- refused: 403
--- error_log
crossdomain_media: invalid, reason: token_malformed, uri: "/media/a.txt?x=1"
request: "GET /media/a.txt?token=***&x=1 HTTP/2.0"
--- access_log
"GET /media/a.txt?token=***&x=1 HTTP/2.0" 403



=== HTTP/2: an upstream sees no token
--- http2
--- http_config eval: $main::Upstream
--- config eval: $main::Proxy
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- granted
--- response_body
GET /media/a.txt?x=1



=== the body of a refused POST does not become the next request
--- pipelined_requests eval
[ "POST /media/a.txt\nbody", "GET " . signed("/media/a.txt"), "POST /media/a.txt?token=x\nbody", "GET " . signed("/media/a.txt") ]
--- error_code eval: [ 302, 200, 403, 200 ]



=== a POST that goes to a named location keeps its body
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { return 200 "$request_method $request_uri $content_length\n"; }
    }
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_on missing @app;
    }
    location @app { proxy_pass http://$TEST_NGINX_UPSTREAM; }
--- request
POST /media/a.txt?x=1
four
--- response_body
POST /media/a.txt?x=1 4



=== HTTP/0.9 is guarded as well
--- http09
--- raw_request eval: "GET /media/a.txt?token=forged\r\n"
--- response_body_unlike: private
--- access_log
"GET /media/a.txt?token=***" 403
