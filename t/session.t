# Sessions from the query, for clients without cookies: when one becomes a cookie, who sees it, and what the response says.
use v5.20;
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;
use Jwt;

# Says what reached it.
our $Upstream = <<'CONFIG';
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { return 200 "$request_method $request_uri|$args|$http_cookie|$http_referer"; }
        location /set/ {
            add_header Set-Cookie "sid=new; Path=/; HttpOnly" always;
            add_header Set-Cookie "csrftoken=x; Path=/" always;
            add_header Set-Cookie "sid =; Max-Age=0" always;
            add_header Set-Cookie "SID=y" always;
            add_header Set-Cookie "sidx=sid=z" always;
            add_header Cache-Control "public, max-age=60" always;
            add_header Expires "Thu, 31 Dec 2037 23:55:55 GMT" always;
            add_header Referrer-Policy unsafe-url always;
            add_header CDN-Cache-Control max-age=60 always;
            return 200 "$http_cookie";
        }
        location /auth { return 204; }
        location /auth/checked { add_header X-Auth "$http_cookie"; if ($http_cookie != "a=1; sid=abc") { return 403; } return 204; }
        location /accel/ { add_header X-Accel-Redirect /files/a.txt; add_header Set-Cookie sid=new; add_header Set-Cookie b=2; return 200; }
    }
CONFIG

our $Proxy = 'proxy_pass http://$TEST_NGINX_UPSTREAM;';

# A location of the application's that takes sessions, by these words; with more directives in it.
sub takes {
    my ($words, $more) = @_;
    $more //= '';
    return "location / { crossdomain_media_session_arg $words; $more $Proxy }";
}

our $Takes = takes('sid insecure');

# Uploads to targets.
sub posts { return [ map { "POST $_\nbody" } @_ ] }

# What an upload looks like to the upstream: target, query and cookies.
sub seen { my ($target, $query, $cookies, $method) = @_; return join '|', ($method // 'POST') . " $target", $query, $cookies, '' }

# On each response to a request that had a session in its query.
our $Closed = "Cache-Control: no-store\nReferrer-Policy: no-referrer";

our $Untouched = "! Cache-Control\n! Referrer-Policy";

key_pair('rsa');
Jwt::run("openssl req -x509 -key $ENV{TEST_NGINX_JWT_DIR}/rsa.pem -subj /CN=www.example.com -days 2 -out $ENV{TEST_NGINX_JWT_DIR}/tls.pem");

run_tests();

__DATA__

=== the argument becomes a cookie
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request eval: main::posts("/upload/?sid=abc")
--- response_body eval: main::seen("/upload/", "", "sid=abc")
--- error_code: 200
--- response_headers eval: $main::Closed
--- no_error_log eval: $Media::Logged



=== without it nothing happens
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request eval: main::posts("/upload/", "/upload/?a=1", "/upload/?SID=abc", "/upload/?a=sid=abc", "/sid=abc", "/upload/?sid%3Dabc", "/upload/?xsid=abc&sidx=abc")
--- response_body eval
[ map { main::seen(@$_) } [ "/upload/", "", "" ], [ "/upload/?a=1", "a=1", "" ], [ "/upload/?SID=abc", "SID=abc", "" ], [ "/upload/?a=sid=abc", "a=sid=abc", "" ], [ "/sid=abc", "", "" ], [ "/upload/?sid%3Dabc", "sid%3Dabc", "" ], [ "/upload/?xsid=abc&sidx=abc", "xsid=abc&sidx=abc", "" ] ]
--- response_headers eval: [ ($main::Untouched) x 7 ]



=== another name for the cookie
--- http_config eval: $main::Upstream
--- config eval: main::takes("PHPSESSID insecure cookie=__Host-session")
--- request eval: main::posts("/?PHPSESSID=abc", "/?__Host-session=abc")
--- more_headers eval: [ "Cookie: PHPSESSID=1", "" ]
--- response_body eval: [ main::seen("/", "", "PHPSESSID=1; __Host-session=abc"), main::seen("/?__Host-session=abc", "__Host-session=abc", "") ]



=== other cookies stay as they are
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request eval: main::posts(("/?sid=abc") x 4)
--- more_headers eval: [ "Cookie: a=1", "Cookie: a=\"1\";b ;; c=%20; sidx=1; SID=2", "Cookie: x", "Cookie: a=sid=1" ]
--- response_body eval: [ map { main::seen("/", "", "$_; sid=abc") } "a=1", "a=\"1\";b ;; c=%20; sidx=1; SID=2", "x", "a=sid=1" ]



=== empty Cookie lines stay as they are, and one line has the session, once
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- raw_request eval
"POST /?sid=abc HTTP/1.1\r\nHost: localhost\r\nCookie:\r\nCookie:\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
--- response_body eval: main::seen("/", "", "; ; sid=abc")



=== several Cookie lines, and an empty one
--- http_config
    server { listen $TEST_NGINX_UPSTREAM; location / { return 200 "$http_cookie|$cookie_sid|$cookie_a|$cookie_b"; } }
--- config eval: $main::Takes
--- request eval: main::posts(("/?sid=abc") x 2)
--- more_headers eval: [ "Cookie: a=1\nCookie: b=2", "Cookie: " ]
--- response_body_like eval: [ qr/\A(?=[^|]*sid=abc)(?=[^|]*a=1)(?=[^|]*b=2)[^|]*[|]abc[|]1[|]2\z/, qr/\A(?:; )?sid=abc[|]abc[|][|]\z/ ]



=== the client's own cookie wins
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request eval: main::posts(("/set/?sid=abc") x 5)
--- more_headers eval: [ "Cookie: sid=own", "Cookie: a=1; sid=own", "Cookie: sid=", "Cookie: a=1\nCookie: sid=own", "Cookie: sid=own; sid=two" ]
--- response_body_like eval: [ qr/\Asid=own\z/, qr/\Aa=1; sid=own\z/, qr/\Asid=\z/, qr/\A(?!.*abc).*sid=own\z/, qr/\Asid=own; sid=two\z/ ]
--- response_headers eval: [ ("Set-Cookie: sid=new; Path=/; HttpOnly, csrftoken=x; Path=/, sid =; Max-Age=0, SID=y, sidx=sid=z\n$main::Closed\n! Expires") x 5 ]



=== HTTP/2
--- http2
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request eval: "POST /upload/?sid=abc&b=1\nbody"
--- error_code: 200
--- response_body eval: main::seen("/upload/?b=1", "b=1", "sid=abc")
--- response_headers eval: $main::Closed



=== HTTP/2: beside another
--- http2
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request eval: "POST /upload/?sid=abc\nbody"
--- more_headers
Cookie: a=1; b=2
--- error_code: 200
--- response_body eval: main::seen("/upload/", "", "a=1; b=2; sid=abc")



=== HTTP/2: the client's own
--- http2
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request eval: "POST /upload/?sid=abc\nbody"
--- more_headers
Cookie: sid=own
--- error_code: 200
--- response_body eval: main::seen("/upload/", "", "sid=own")



=== POST only, unless methods are named; the argument goes with any
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request eval: [ map { "$_ /?sid=abc&b=1" } "GET", "PUT", "DELETE", "OPTIONS", "PATCH", "POST" ]
--- response_body eval: [ (map { main::seen("/?b=1", "b=1", "", $_) } "GET", "PUT", "DELETE", "OPTIONS", "PATCH"), main::seen("/?b=1", "b=1", "sid=abc") ]
--- response_headers eval: [ ($main::Closed) x 6 ]



=== a HEAD request has no session, and its response says so much
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request
HEAD /set/?sid=abc
--- error_code: 200
--- response_headers eval: "Set-Cookie: sid=new; Path=/; HttpOnly, csrftoken=x; Path=/, sid =; Max-Age=0, SID=y, sidx=sid=z\n$main::Closed"



=== methods
--- http_config eval: $main::Upstream
--- config eval: main::takes("sid insecure methods=PUT,GET")
--- request eval: [ map { "$_ /?sid=abc" } "GET", "PUT", "POST", "HEAD" ]
--- response_body eval: [ (map { main::seen("/", "", "sid=abc", $_) } "GET", "PUT"), main::seen("/", "", "", "POST"), "" ]



=== with other methods, not even a bad one is refused
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request eval: [ map { "GET /?$_&b=1" } "sid=", "sid=a&sid=b", "sid=%00", "sid" ]
--- more_headers
Sec-Fetch-Site: cross-site
--- response_body eval: [ (main::seen("/?b=1", "b=1", "", "GET")) x 4 ]
--- response_headers eval: [ ($main::Closed) x 4 ]



=== a connection that others can read
--- http_config eval: $main::Upstream
--- config eval: main::takes("sid")
--- request eval: main::posts("/?sid=abc", "/?sid=abc", "/?a=1")
--- more_headers eval: [ "", "Cookie: sid=own", "" ]
--- error_code eval: [ 403, 200, 200 ]
--- response_body eval: [ qr/403/, main::seen("/", "", "sid=own"), main::seen("/?a=1", "a=1", "") ]
--- response_headers eval: [ $main::Closed, $main::Closed, $main::Untouched ]



=== TLS
--- http_config eval
"$main::Upstream server { listen \$TEST_NGINX_UPSTREAM.tls ssl; server_name www.example.com; ssl_certificate \$TEST_NGINX_JWT_DIR/tls.pem; ssl_certificate_key \$TEST_NGINX_JWT_DIR/rsa.pem; " . main::takes("sid") . " }"
--- config
    location / { proxy_pass https://$TEST_NGINX_UPSTREAM.tls; }
--- request eval: main::posts("/upload/?sid=abc&b=1")
--- error_code: 200
--- response_body eval: main::seen("/upload/?b=1", "b=1", "sid=abc")
--- response_headers eval: $main::Closed



=== a header that says it was TLS is the client's, and no TLS
--- http_config eval: $main::Upstream
--- config eval: main::takes("sid")
--- request eval: main::posts("/?sid=abc")
--- more_headers
X-Forwarded-Proto: https
--- error_code: 403
--- response_body_like: 403



=== another site's page
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request eval: main::posts(("/?sid=abc") x 8)
--- more_headers eval: [ (map { "Sec-Fetch-Site: $_" } "cross-site", "Cross-Site", "same-origin\nSec-Fetch-Site: cross-site", "same-site", "same-origin", "none", "x"), "sec-fetch-site: cross-site" ]
--- error_code eval: [ 403, 403, 403, 200, 200, 200, 200, 403 ]
--- response_body eval: [ (qr/403/) x 3, (main::seen("/", "", "sid=abc")) x 4, qr/403/ ]
--- response_headers eval: [ ($main::Closed) x 8 ]



=== another site's page with the visitor's own cookie is the application's affair
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request eval: main::posts("/?sid=abc", "/?a=1")
--- more_headers eval: [ "Sec-Fetch-Site: cross-site\nCookie: sid=own", "Sec-Fetch-Site: cross-site" ]
--- response_body eval: [ main::seen("/", "", "sid=own"), main::seen("/?a=1", "a=1", "") ]



=== what no cookie can hold
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request eval
main::posts(map { "/?x=1&$_" } "sid", "sid=", "sid=a&sid=a", "sid=abc&sid=", "sid=abc&%73id=abc", "sid=abc&sid", map { "sid=a$_" } "%0D%0Ab", "%0a", "%00", "%1f", "%7F", "%20b", "+b", "%3Bb", ";b", "%2Cb", ",b", "%22", "\"b\"", "%5Cb", "%C3%A9", "%80", "%3b%20sid2=x", "b" x 1024)
--- error_code eval: [ (400) x 24 ]
--- response_body eval: [ (qr/400 Bad Request/) x 24 ]
--- response_headers eval: [ ($main::Closed) x 24 ]



=== why a session was not taken, the log says: what no cookie can hold
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request eval: "POST /?x=1&sid=abc%00\nbody"
--- error_code: 400
--- response_body_like: 400
--- error_log
[info]
crossdomain_media_session_arg: not taken: no cookie has such a value, client: 127.0.0.1, server: localhost, request: "POST /?x=1&sid=*** HTTP/1.1"
--- no_error_log
abc



=== the connection
--- http_config eval: $main::Upstream
--- config eval: main::takes("sid")
--- request eval: "POST /?sid=abc\nbody"
--- error_code: 403
--- response_body_like: 403
--- error_log
crossdomain_media_session_arg: not taken: the connection is not encrypted, client: 127.0.0.1, server: localhost, request: "POST /?sid=*** HTTP/1.1"
--- no_error_log
abc



=== a line without a version, which has no cookies
--- http_config eval: $main::Upstream
--- config eval: main::takes("sid insecure methods=GET")
--- raw_request eval: "GET /?sid=abc\r\n"
--- http09
--- response_body_like: 400 Bad Request
--- error_log
crossdomain_media_session_arg: not taken: HTTP/0.9 has no cookies, client: 127.0.0.1, server: localhost, request: "GET /?sid=***"
--- no_error_log
abc



=== a number sign, behind which nginx reads no arguments
--- http_config eval: $main::Upstream
--- config eval: main::takes("sid insecure methods=GET")
--- request eval: [ map { "GET $_" } "/?sid=abc#", "/?a#&sid=abc", "/#?sid=abc", "/?sid=abc&a#" ]
--- error_code eval: [ (400) x 4 ]
--- response_body_like eval: [ ("400") x 4 ]



=== another site
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request eval: "POST /?sid=abc\nbody"
--- more_headers
Sec-Fetch-Site: cross-site
--- error_code: 403
--- response_body_like: 403
--- error_log
crossdomain_media_session_arg: not taken: another site sent the client here, client: 127.0.0.1, server: localhost, request: "POST /?sid=*** HTTP/1.1"
--- no_error_log
abc



=== what a cookie can hold, decoded once
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request eval: main::posts(map { "/?sid=$_" } "a%2Db", "%61%62c", "a%252Cb", "a:b.c~d_e!%23", "a==", "a%3D%3D", "(a)/<b>@[c]{d}|`^'\$*?", "x" x 1024, "%78" x 1024, "a%zz", "%")
--- response_body eval
[ map { main::seen("/", "", "sid=$_") } "a-b", "abc", "a%2Cb", "a:b.c~d_e!#", "a==", "a==", "(a)/<b>@[c]{d}|`^'\$*?", ("x" x 1024) x 2, "a%zz", "%" ]
--- response_headers eval: [ ($main::Closed) x 11 ]



=== the name is decoded too
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request eval: main::posts("/?%73id=abc", "/?s%69%64=abc&b=2", "/?%2573id=abc")
--- response_body eval: [ main::seen("/", "", "sid=abc"), main::seen("/?b=2", "b=2", "sid=abc"), main::seen("/?%2573id=abc", "%2573id=abc", "") ]



=== other arguments stay as they are
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request eval: main::posts(map { "/a%20b/$_" } "?sid=abc", "?a=1&sid=abc", "?sid=abc&a=1", "?a=%2f+%zz&&sid=abc&&b&=&c=?", "?sid=abc&", "?&sid=abc", "?sidx=1&sid=abc&SID=2")
--- response_body eval
[ main::seen("/a%20b/", "", "sid=abc"), map { main::seen("/a%20b/?$_", $_, "sid=abc") } "a=1", "a=1", "a=%2f+%zz&&&b&=&c=?", "", "", "sidx=1&SID=2" ]
--- response_headers eval: [ ($main::Closed) x 7 ]



=== variables and logs do not see it
--- http_config eval: "$main::Upstream log_format all 'A \$request|\$request_uri|\$args|\$arg_sid|\$query_string|\$is_args|\$uri|\$status E';"
--- config eval: main::takes("sid insecure", 'access_log logs/access.log all; add_header X-Vars "$request|$request_uri|$args|$arg_sid|$query_string|$is_args";')
--- request eval: "POST /upload/?sid=abc&b=1\nbody"
--- error_code: 200
--- response_headers
X-Vars: POST /upload/?sid=***&b=1 HTTP/1.1|/upload/?b=1|b=1||b=1|?
--- access_log
A POST /upload/?sid=***&b=1 HTTP/1.1|/upload/?b=1|b=1|-|b=1|?|/upload/|200 E
--- no_access_log
abc



=== nor where it is refused
--- http_config eval: $main::Upstream
--- config eval: main::takes("sid", "access_log logs/access.log combined;")
--- request eval: "POST /upload/?x=1&%73id=abc&y=2&sid=def\nbody"
--- error_code: 403
--- access_log
"POST /upload/?x=1&%73id=***&y=2&sid=*** HTTP/1.1" 403
--- no_access_log eval: [ qr/abc/, qr/def/ ]
--- no_error_log eval: [ qr/abc/, qr/def/ ]



=== a variable that an earlier phase has read is read anew
--- http_config eval: $main::Upstream
--- config eval: 'if ($http_cookie = x) { return 500; } if ($cookie_sid = x) { return 500; } if ($request_uri = x) { return 500; } if ($request = x) { return 500; } ' . main::takes("sid insecure", 'add_header X-Vars "$http_cookie|$cookie_sid|$cookie_a|$request_uri|$request";')
--- request eval: main::posts(("/?sid=abc&b=1") x 2)
--- more_headers eval: [ "", "Cookie: a=1" ]
--- error_code eval: [ 200, 200 ]
--- response_headers eval: [ "X-Vars: sid=abc|abc||/?b=1|POST /?sid=***&b=1 HTTP/1.1", "X-Vars: a=1; sid=abc|abc|1|/?b=1|POST /?sid=***&b=1 HTTP/1.1" ]



=== Set-Cookie of that name is dropped where the argument became a cookie
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- request eval: main::posts("/set/?sid=abc", "/set/", "/set/?a=1")
--- response_body eval: [ "sid=abc", "", "" ]
--- response_headers eval
my $all = "Set-Cookie: sid=new; Path=/; HttpOnly, csrftoken=x; Path=/, sid =; Max-Age=0, SID=y, sidx=sid=z\nCache-Control: public, max-age=60\nExpires: Thu, 31 Dec 2037 23:55:55 GMT\nReferrer-Policy: unsafe-url\nCDN-Cache-Control: max-age=60";
[ "Set-Cookie: csrftoken=x; Path=/, SID=y, sidx=sid=z\n$main::Closed\n! Expires\n! CDN-Cache-Control", $all, $all ]



=== Set-Cookie of the cookie, not of the argument
--- http_config eval: $main::Upstream
--- config eval: main::takes("s insecure cookie=csrftoken")
--- request eval: main::posts("/set/?s=abc")
--- response_body: csrftoken=abc
--- response_headers
Set-Cookie: sid=new; Path=/; HttpOnly, sid =; Max-Age=0, SID=y, sidx=sid=z



=== what this server says of caching and referrers goes too
--- http_config eval: $main::Upstream
--- config eval: main::takes("sid insecure", "expires 1h; add_header Cache-Control public always; add_header Referrer-Policy origin always; add_header Set-Cookie sid=mine; add_header Set-Cookie b=2;")
--- request eval: main::posts("/?sid=abc", "/")
--- error_code eval: [ 200, 200 ]
--- response_headers eval: [ "$main::Closed\n! Expires\nSet-Cookie: b=2", "Cache-Control: max-age=3600, public\nReferrer-Policy: origin\nSet-Cookie: sid=mine, b=2" ]



=== before auth_request: the subrequest has the cookie, and not the argument
--- http_config eval: $main::Upstream
--- config eval
main::takes("sid insecure", 'auth_request /check; auth_request_set $auth $upstream_http_x_auth; add_header X-Auth "$auth";') . ' location = /check { internal; proxy_pass http://$TEST_NGINX_UPSTREAM:/auth/checked; proxy_pass_request_body off; proxy_set_header Content-Length ""; }'
--- request eval: main::posts("/?sid=abc&b=1", "/?sid=abd")
--- more_headers
Cookie: a=1
--- error_code eval: [ 200, 403 ]
--- response_body eval: [ main::seen("/?b=1", "b=1", "a=1; sid=abc"), qr/403/ ]
--- response_headers eval: [ "X-Auth: a=1; sid=abc\n$main::Closed", $main::Closed ]



=== an auth_request of a location that takes sessions itself
--- http_config eval: $main::Upstream
--- config eval
"location /open/ { auth_request /check; root html; } location = /check { crossdomain_media_session_arg sid insecure; proxy_pass http://\$TEST_NGINX_UPSTREAM:/auth; }"
--- request
GET /open/a.txt?sid=abc
--- error_code: 200
--- response_body
open
--- response_headers eval: $main::Untouched



=== behind a guard: the session goes, the token decides
--- http_config eval: $main::Upstream
--- config eval
main::takes("sid insecure", 'crossdomain_media https://www.example.com; crossdomain_media_key $TEST_NGINX_JWT_DIR/hs.key format=jwt; add_header X-Uri "$crossdomain_media_uri";')
--- request eval: my $token = jwt({ path => "/upload/*" }); main::posts("/upload/?sid=abc&token=$token&b=1", "/upload/?token=$token&b=1&sid=abc", "/upload/?sid=abc&b=1", "/upload/?b=1&token=x&sid=abc", "/upload/?sid=%00&token=$token")
--- error_code eval: [ 200, 200, 302, 403, 400 ]
--- response_body eval: [ (main::seen("/upload/?b=1", "b=1", "sid=abc")) x 2, qr/302/, qr/403/, qr/400/ ]
--- response_headers eval: [ ("X-Uri: /upload/?b=1\n$main::Closed") x 2, "Location: https://www.example.com/upload/?b=1\n$main::Closed", ($main::Closed) x 2 ]



=== behind a guard that reads cookies: another one than the session
--- http_config eval: $main::Upstream
--- config eval
main::takes("sid insecure", 'crossdomain_media https://www.example.com; crossdomain_media_token cookie:media; crossdomain_media_key $TEST_NGINX_JWT_DIR/hs.key format=jwt;')
--- request eval: main::posts("/upload/?sid=abc", "/upload/?sid=abc")
--- more_headers eval: my $token = jwt({ path => "/upload/*" }); [ "Cookie: media=$token", "Cookie: a=1; media=$token; b=2" ]
--- error_code eval: [ 200, 200 ]
--- response_body eval: [ main::seen("/upload/", "", "sid=abc"), main::seen("/upload/", "", "a=1; b=2; sid=abc") ]
--- response_headers eval: [ ("Cache-Control: no-store\nVary: Cookie") x 2 ]



=== a guard with a token in the path
--- http_config eval: $main::Upstream
--- config eval
"crossdomain_media_token path:~; " . main::takes("sid insecure", 'crossdomain_media https://www.example.com; crossdomain_media_key $TEST_NGINX_JWT_DIR/hs.key format=jwt;')
--- request eval: my $token = jwt({ path => "/upload/*" }); main::posts("/~$token/upload/?sid=abc&b=1", "/~x/upload/?sid=abc&b=1", "/upload/?sid=abc&b=1")
--- error_code eval: [ 200, 403, 302 ]
--- response_body eval: [ main::seen("/upload/?b=1", "b=1", "sid=abc"), qr/403/, qr/302/ ]
--- response_headers eval: [ $main::Closed, $main::Closed, "Location: https://www.example.com/upload/?b=1" ]



=== proxy_pass with a URI
--- http_config eval: $main::Upstream
--- config
    location /front/ { crossdomain_media_session_arg sid insecure; proxy_pass http://$TEST_NGINX_UPSTREAM:/back/; }
    location /vars/ { crossdomain_media_session_arg sid insecure; proxy_pass http://$TEST_NGINX_UPSTREAM:/back/$is_args$args; }
    location /whole/ { crossdomain_media_session_arg sid insecure; proxy_pass http://$TEST_NGINX_UPSTREAM$request_uri; }
--- request eval: main::posts("/front/x?sid=abc", "/front/x?a=1&sid=abc&b=%2f", "/vars/?sid=abc&b=1")
--- error_code eval: [ 200, 200, 200 ]
--- response_body eval: [ main::seen("/back/x", "", "sid=abc"), main::seen("/back/x?a=1&b=%2f", "a=1&b=%2f", "sid=abc"), main::seen("/back/?b=1", "b=1", "sid=abc") ]



=== rewrite
--- http_config eval: $main::Upstream
--- config eval
"rewrite ^/old/(.*) /new/\$1 last; rewrite ^/more/ /new/?c=3 last; rewrite ^/less/ /new/? last; rewrite ^/from/ /new/?c=\$arg_sid last; $main::Takes location /in/ { crossdomain_media_session_arg sid insecure; rewrite ^/in/(.*) /out/\$1 break; $main::Proxy }"
--- request eval: main::posts("/old/a?sid=abc&b=1", "/more/?sid=abc&b=1", "/less/?sid=abc&b=1", "/in/a?b=1&sid=abc", "/old/a?b=1")
--- error_code eval: [ (200) x 5 ]
--- response_body eval: [ map { main::seen(@$_) } [ "/new/a?b=1", "b=1", "sid=abc" ], [ "/new/?c=3&b=1", "c=3&b=1", "sid=abc" ], [ "/new/", "", "sid=abc" ], [ "/out/a?b=1", "b=1", "sid=abc" ], [ "/new/a?b=1", "b=1", "" ] ]
--- response_headers eval: [ ($main::Closed) x 4, $main::Untouched ]



=== a rewrite into a location that takes none leaves everything as it is
--- http_config eval: $main::Upstream
--- config eval: "location /out/ { $main::Proxy } location /in/ { crossdomain_media_session_arg sid insecure; rewrite ^ /out/ last; }"
--- request eval: main::posts("/in/a?b=1&sid=abc")
--- response_body eval: main::seen("/out/?b=1&sid=abc", "b=1&sid=abc", "")
--- response_headers eval: $main::Untouched



=== internal redirects: X-Accel-Redirect, and the cookie that came with it
--- http_config eval: $main::Upstream
--- config eval: "$main::Takes location /files/ { internal; alias \$TEST_NGINX_HTML_DIR/open/; }"
--- request eval: main::posts("/accel/?sid=abc", "/accel/")
--- error_code eval: [ 200, 200 ]
--- response_body eval: [ "open\n", "open\n" ]
--- response_headers eval: [ "Set-Cookie: b=2\n$main::Closed", "Set-Cookie: sid=new, b=2\n$main::Untouched" ]



=== internal redirects: try_files into a location that takes one, without the arguments, which nginx drops
--- http_config eval: $main::Upstream
--- config eval: "location / { try_files \$uri /app/; } location /app/ { crossdomain_media_session_arg sid insecure; $main::Proxy }"
--- request eval: main::posts("/none?sid=abc&b=1")
--- error_code: 200
--- response_body eval: main::seen("/app/", "", "sid=abc")
--- response_headers eval: $main::Closed



=== internal redirects: from one location that takes it to another that does
--- http_config eval: $main::Upstream
--- config eval: "location / { crossdomain_media_session_arg sid insecure; try_files \$uri /app/\$is_args\$args; } location /app/ { crossdomain_media_session_arg sid insecure; $main::Proxy }"
--- request eval: main::posts("/none?sid=abc&b=1")
--- error_code: 200
--- response_body eval: main::seen("/app/?b=1", "b=1", "sid=abc")
--- response_headers eval: $main::Closed



=== named locations
--- http_config eval: $main::Upstream
--- config eval
"location /to/ { try_files \$uri \@app; } location \@app { crossdomain_media_session_arg sid insecure; $main::Proxy } location /from/ { crossdomain_media_session_arg sid insecure; try_files \$uri \@plain; } location \@plain { $main::Proxy } location /both/ { crossdomain_media_session_arg sid insecure; try_files \$uri \@app; }"
--- request eval: main::posts("/to/x?sid=abc&b=1", "/from/x?sid=abc&b=1", "/both/x?sid=abc&b=1", "/to/x?sid=%00")
--- error_code eval: [ 200, 200, 200, 400 ]
--- response_body eval: [ (map { main::seen("/$_/x?b=1", "b=1", "sid=abc") } "to", "from", "both"), qr/400/ ]
--- response_headers eval: [ ($main::Closed) x 4 ]



=== error_page: the page of a refusal, and of an application's error
--- http_config eval: "$main::Upstream"
--- config eval: "error_page 400 403 404 /denied.html; $main::Takes location = /denied.html { root html; } location /files/ { crossdomain_media_session_arg sid insecure methods=GET; root html; }"
--- request eval: [ @{ main::posts("/?sid=") }, "GET /files/none?sid=abc", "GET /files/none" ]
--- error_code eval: [ 400, 404, 404 ]
--- response_body eval: [ ("sorry\n") x 3 ]
--- response_headers eval: [ ($main::Closed) x 2, $main::Untouched ]



=== nested locations inherit, and may say something else
--- http_config eval: $main::Upstream
--- config eval
"location / { crossdomain_media_session_arg sid insecure; $main::Proxy location /a/ { $main::Proxy location /a/off/ { crossdomain_media_session_arg off; $main::Proxy location /a/off/deep/ { $main::Proxy } } } location /b/ { crossdomain_media_session_arg other insecure; $main::Proxy } location ~ ^/c { $main::Proxy if (\$arg_x) { $main::Proxy } } }"
--- request eval: main::posts("/a/?sid=abc", "/a/off/?sid=abc", "/a/off/deep/?sid=abc", "/b/?sid=abc&other=def", "/c?sid=abc", "/c?sid=abc&x=1")
--- error_code eval: [ (200) x 6 ]
--- response_body eval
[ map { main::seen(@$_) } [ "/a/", "", "sid=abc" ], [ "/a/off/?sid=abc", "sid=abc", "" ], [ "/a/off/deep/?sid=abc", "sid=abc", "" ], [ "/b/?sid=abc", "sid=abc", "other=def" ], [ "/c", "", "sid=abc" ], [ "/c?x=1", "x=1", "sid=abc" ] ]



=== keep-alive: the next request has no session
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- pipelined_requests eval: [ "POST /set/?sid=abc\nbody", "POST /a\nbody", "POST /b?sid=def\nbody" ]
--- more_headers eval: [ "", "", "Cookie: a=1" ]
--- error_code eval: [ 200, 200, 200 ]
--- response_body eval: [ "sid=abc", main::seen("/a", "", ""), main::seen("/b", "", "a=1; sid=def") ]



=== an absolute-form target
--- http_config eval: $main::Upstream
--- config eval: $main::Takes
--- raw_request eval: "POST http://localhost/upload/?sid=abc&b=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"
--- error_code: 200
--- response_body eval: main::seen("/upload/?b=1", "b=1", "sid=abc")



=== an upload's body arrives
--- http_config
    server { listen $TEST_NGINX_UPSTREAM; location / { proxy_set_header Seen "$http_cookie $http_content_type $content_length"; proxy_pass http://$TEST_NGINX_UPSTREAM.file; } }
    server { listen $TEST_NGINX_UPSTREAM.file; location / { client_body_in_file_only clean; proxy_pass http://$TEST_NGINX_UPSTREAM.last; } }
    server { listen $TEST_NGINX_UPSTREAM.last; location / { return 200 "$http_seen"; } }
--- config eval: $main::Takes
--- request eval: "POST /upload/?sid=abc\n" . ("x" x 70000)
--- more_headers
Content-Type: multipart/form-data; boundary=x
--- error_code: 200
--- response_body: sid=abc multipart/form-data; boundary=x 70000



=== FastCGI has the cookie too, and not the argument
--- config
    location / {
        crossdomain_media_session_arg sid insecure;
        fastcgi_pass  unix:$TEST_NGINX_SERVER_ROOT/logs/fastcgi.sock;
        fastcgi_param SEEN "$request_uri|$query_string|$http_cookie";
    }
--- tcp_listen eval: "$ENV{TEST_NGINX_SERVER_ROOT}/logs/fastcgi.sock"
--- request eval: "POST /upload/?sid=abc&b=1\nbody"
--- more_headers
Cookie: a=1
--- tcp_query eval: qr{\A(?!.*(?:[?&]sid=)).*SEEN/upload/[?]b=1[|]b=1[|]a=1; sid=abc.*HTTP_COOKIEa=1; sid=abc}s
--- tcp_reply eval: my $page = "Content-Type: text/plain\r\nSet-Cookie: sid=new\r\nSet-Cookie: b=2\r\n\r\nserved\n"; pack("CCnnCC", 1, 6, 1, length $page, 0, 0) . $page . pack("CCnnCC x8", 1, 3, 1, 8, 0, 0)
--- error_code: 200
--- response_body
served
--- response_headers eval: "Set-Cookie: b=2\n$main::Closed"



=== the documented way: the application learns the subject of a grant, and nothing that a client says itself
--- http_config
    server { listen $TEST_NGINX_UPSTREAM; location / { return 200 "[$http_x_media_subject]"; } }
--- config
    location /upload/ {
        crossdomain_media       https://www.example.com;
        crossdomain_media_key   $TEST_NGINX_JWT_DIR/hs.key format=jwt;
        proxy_pass              http://$TEST_NGINX_UPSTREAM;
        proxy_set_header        X-Media-Subject $crossdomain_media_subject;
    }
    location /legacy-upload/ {
        crossdomain_media_session_arg sessionid methods=POST insecure;
        proxy_pass                    http://$TEST_NGINX_UPSTREAM;
        proxy_set_header              X-Media-Subject $crossdomain_media_subject;
    }
    location /dry-run/ {
        crossdomain_media         https://www.example.com;
        crossdomain_media_key     $TEST_NGINX_JWT_DIR/hs.key format=jwt;
        crossdomain_media_dry_run on;
        proxy_pass                http://$TEST_NGINX_UPSTREAM;
        proxy_set_header          X-Media-Subject $crossdomain_media_subject;
    }
--- request eval
my $to = sub { my ($path, @claims) = @_; "$path?token=" . jwt({ path => $path, method => "POST", @claims }) };
main::posts($to->("/upload/1", sub => "ann"), $to->("/upload/1"), "/legacy-upload/?sessionid=abc", "/dry-run/", $to->("/dry-run/", sub => "ann", exp => 1), $to->("/dry-run/", sub => "ann", method => "GET"), "/upload/1")
--- more_headers
X-Media-Subject: eve
--- error_code eval: [ (200) x 6, 302 ]
--- response_body eval: [ "[ann]", ("[]") x 5, qr/302/ ]



=== not on a server
--- config
    crossdomain_media_session_arg sid;
--- must_die
--- error_log
"crossdomain_media_session_arg" directive is not allowed here in



=== not in http
--- http_config
    crossdomain_media_session_arg sid;
--- config
--- must_die
--- error_log
"crossdomain_media_session_arg" directive is not allowed here in



=== not in limit_except
--- config
    location / { limit_except GET { crossdomain_media_session_arg sid; } }
--- must_die
--- error_log
"crossdomain_media_session_arg" directive is not allowed here in



=== not in if
--- config
    location / { if ($arg_x) { crossdomain_media_session_arg sid; } }
--- must_die
--- error_log
"crossdomain_media_session_arg" directive is not allowed here in



=== no name
--- config
    location / { crossdomain_media_session_arg; }
--- must_die
--- error_log
invalid number of arguments in "crossdomain_media_session_arg" directive in



=== twice
--- config
    location / { crossdomain_media_session_arg sid; crossdomain_media_session_arg off; }
--- must_die
--- error_log
"crossdomain_media_session_arg" directive is duplicate in



=== a name that needs escaping
--- config
    location / { crossdomain_media_session_arg a%20b; }
--- must_die
--- error_log
crossdomain_media_session_arg: a%20b: the name of an argument consists of letters, digits, "-", ".", "_" and "~" in



=== an empty name
--- config
    location / { crossdomain_media_session_arg ""; }
--- must_die
--- error_log
crossdomain_media_session_arg: : the name of an argument consists of letters, digits, "-", ".", "_" and "~" in



=== a cookie without a name
--- config
    location / { crossdomain_media_session_arg sid cookie=; }
--- must_die
--- error_log
crossdomain_media_session_arg: sid: "cookie=": expected a cookie's name in



=== a cookie with a semicolon
--- config
    location / { crossdomain_media_session_arg sid "cookie=a;b"; }
--- must_die
--- error_log
crossdomain_media_session_arg: sid: "cookie=a;b": expected a cookie's name in



=== a cookie twice
--- config
    location / { crossdomain_media_session_arg sid cookie=a cookie=b; }
--- must_die
--- error_log
crossdomain_media_session_arg: sid: "cookie=" is given twice in



=== methods in small letters
--- config
    location / { crossdomain_media_session_arg sid methods=post; }
--- must_die
--- error_log
crossdomain_media_session_arg: sid: "methods=post": expected methods in capitals, with commas between them in



=== no method
--- config
    location / { crossdomain_media_session_arg sid methods=; }
--- must_die
--- error_log
crossdomain_media_session_arg: sid: "methods=": expected methods in capitals, with commas between them in



=== a comma too many
--- config
    location / { crossdomain_media_session_arg sid methods=POST,; }
--- must_die
--- error_log
crossdomain_media_session_arg: sid: "methods=POST,": expected methods in capitals, with commas between them in



=== methods twice
--- config
    location / { crossdomain_media_session_arg sid methods=POST methods=PUT; }
--- must_die
--- error_log
crossdomain_media_session_arg: sid: "methods=" is given twice in



=== insecure twice
--- config
    location / { crossdomain_media_session_arg sid insecure insecure; }
--- must_die
--- error_log
crossdomain_media_session_arg: sid: "insecure" is given twice in



=== an unknown parameter
--- config
    location / { crossdomain_media_session_arg sid secure; }
--- must_die
--- error_log
crossdomain_media_session_arg: sid: unknown parameter "secure" in



=== a flag with a value
--- config
    location / { crossdomain_media_session_arg sid insecure=on; }
--- must_die
--- error_log
crossdomain_media_session_arg: sid: unknown parameter "insecure=on" in



=== off among parameters
--- config
    location / { crossdomain_media_session_arg sid off; }
--- must_die
--- error_log
crossdomain_media_session_arg: sid: unknown parameter "off" in
