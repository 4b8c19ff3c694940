# Where a viewer is sent: built from the configuration and what was asked for, without the token.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;

# Everything is guarded and every refusal redirects, so that any target shows its Location.
sub to {
    my ($url, $more) = @_;
    return <<"CONFIG";
        location / {
            crossdomain_media $url;
            crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key;
            crossdomain_media_on invalid redirect;
            @{[ $more // '' ]}
        }
CONFIG
}

sub locations { return [ map { "Location: https://www.example.com$_" } @_ ] }

run_tests();

__DATA__

=== the query is kept byte for byte
--- config eval: main::to("https://www.example.com")
--- request eval
[ map { "GET /media/a.txt$_" } "", "?b=2&a=1&b=3", "?download", "?x=", "?a=%20+%C3%A9&b=%2f;c", "?a=http://x/?y=z" ]
--- error_code eval: [ (302) x 6 ]
--- response_headers eval
main::locations(map { "/media/a.txt$_" } "", "?b=2&a=1&b=3", "?download", "?x=", "?a=%20+%C3%A9&b=%2f;c", "?a=http://x/?y=z")



=== the token is dropped wherever it stands
--- config eval: main::to("https://www.example.com")
--- request eval
[ map { "GET /media/a.txt?$_" } "token=x", "token=x&a=1&b=2", "a=1&token=x&b=2", "a=1&b=2&token=x", "token", "a=1&token", "token=" ]
--- error_code eval: [ (302) x 7 ]
--- response_headers eval
main::locations(map { "/media/a.txt$_" } "", "?a=1&b=2", "?a=1&b=2", "?a=1&b=2", "", "?a=1", "")



=== every duplicate and every spelling of the token is dropped
--- config eval: main::to("https://www.example.com")
--- request eval
[ map { "GET /media/a.txt?$_" } "token=x&token=y", "a=1&token=x&b=2&token=y&c=3", "t%6Fken=x&a=1", "a=1&%74%6f%6b%65%6e=x", "token=x&t%6fken=y", "a=1&t%6Fken&b=2" ]
--- error_code eval: [ (302) x 6 ]
--- response_headers eval
main::locations(map { "/media/a.txt$_" } "", "?a=1&b=2&c=3", "?a=1", "?a=1", "", "?a=1&b=2")



=== what only looks like the token is kept
--- config eval: main::to("https://www.example.com")
--- request eval
[ map { "GET /media/a.txt?$_" } "Token=x", "tokens=x", "x=token", "x=1;token=y", "t%256Fken=x", "x?token=y" ]
--- error_code eval: [ (302) x 6 ]
--- response_headers eval
main::locations(map { "/media/a.txt?$_" } "Token=x", "tokens=x", "x=token", "x=1;token=y", "t%256Fken=x", "x?token=y")



=== an expired token is dropped
--- config eval: main::to("https://www.example.com")
--- request eval: "GET /media/a.txt?a=1&" . token_arg("/media/a.txt", at => -5000) . "&b=2"
--- redirected: https://www.example.com/media/a.txt?a=1&b=2



=== all configured arguments are dropped, and no others
--- config eval: main::to("https://www.example.com", "crossdomain_media_token arg:sig arg:s;")
--- request
GET /media/a.txt?sig=x&token=kept&s=y&a=1
--- redirected: https://www.example.com/media/a.txt?token=kept&a=1



=== the path is kept as the viewer spelled it
--- config eval: main::to("https://www.example.com")
--- request eval
[ map { "GET $_" } "/", "/media/%61.txt", "/media/a%2fb", "/media/My%20File.txt", "/media//a.txt", "/media/a+b;c=d\@e", "/media/%C3%A9" ]
--- error_code eval: [ (302) x 7 ]
--- response_headers eval
main::locations("/", "/media/%61.txt", "/media/a%2fb", "/media/My%20File.txt", "/media//a.txt", "/media/a+b;c=d\@e", "/media/%C3%A9")



=== a path that looks like a host stays a path
--- config eval: main::to("https://www.example.com")
--- raw_request eval: raw_get("//evil.example/media/a.txt?x=1")
--- redirected: https://www.example.com//evil.example/media/a.txt?x=1



=== nginx itself answers 400 to a target without a slash, which would extend the host's name
--- config eval: main::to("https://www.example.com")
--- raw_request eval: raw_get(".evil.example/")
--- error_code: 400



=== an at sign in the path makes no user name of the application's host
--- config eval: main::to("https://www.example.com")
--- request
GET /@evil.example/
--- redirected: https://www.example.com/@evil.example/



=== an absolute-form target counts with its path and query only
--- config eval: main::to("https://www.example.com")
--- raw_request eval: raw_get("http://evil.example/media/a.txt?token=x&x=1")
--- redirected: https://www.example.com/media/a.txt?x=1



=== an absolute-form target may lack a path
--- config eval: main::to("https://www.example.com")
--- raw_request eval: raw_get("http://evil.example")
--- redirected: https://www.example.com/



=== an absolute-form target may lack a path and have a query
--- config eval: main::to("https://www.example.com")
--- raw_request eval: raw_get("http://evil.example?token=x&x=1")
--- redirected: https://www.example.com/?x=1



=== a token in an absolute-form target is honoured
--- raw_request eval: raw_get("http://media.example.org" . signed("/media/a.txt"))
--- granted



=== the Host header is never reflected
--- config eval: main::to("https://www.example.com")
--- request
GET /media/a.txt
--- more_headers
Host: evil.example
X-Forwarded-Host: evil.example
--- redirected: https://www.example.com/media/a.txt
--- raw_response_headers_unlike: evil



=== a missing Host header changes nothing
--- config eval: main::to("https://www.example.com")
--- raw_request eval: "GET /media/a.txt HTTP/1.0\r\n\r\n"
--- redirected: https://www.example.com/media/a.txt



=== the application may have a port
--- config eval: main::to("http://www.localhost:8080")
--- request
GET /media/a.txt?x=1
--- redirected: http://www.localhost:8080/media/a.txt?x=1



=== the application may be an IPv6 address
--- config eval: main::to("http://[::1]:8080")
--- request
GET /media/a.txt
--- redirected: http://[::1]:8080/media/a.txt



=== a URL with a path is used as written
--- config eval: main::to("https://www.example.com/login")
--- request
GET /media/a.txt?x=1
--- redirected: https://www.example.com/login



=== a URL with a path may say where to return
--- config eval: main::to('https://www.example.com/login?next=$crossdomain_media_return_url', 'crossdomain_media_public_url https://media.example.org;')
--- request
GET /media/a.txt?token=x&a=1&b=%20
--- redirected: https://www.example.com/login?next=https%3A%2F%2Fmedia.example.org%2Fmedia%2Fa.txt%3Fa%3D1%26b%3D%2520



=== a URL may come from a variable
--- http_config
    map $host $app {
        one.example.org  https://one.example.com;
        two.example.org  https://two.example.com/mint;
    }
--- config eval: main::to('$app')
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt" ]
--- more_headers eval: [ "Host: one.example.org", "Host: two.example.org" ]
--- error_code eval: [ 302, 302 ]
--- response_headers eval
[ "Location: https://one.example.com/media/a.txt", "Location: https://two.example.com/mint" ]



=== a URL may hold variables in part
--- http_config
    map $http_x_tenant $tenant { default www; acme acme; }
--- config eval: main::to('https://$tenant.example.com')
--- request
GET /media/a.txt
--- more_headers
X-Tenant: acme
--- redirected: https://acme.example.com/media/a.txt



=== a variable that says off opens what it names, and nothing else
--- http_config
    map $uri $app {
        volatile;
        default           https://www.example.com;
        ~^/media/public/  off;
    }
--- config eval: main::to('$app')
--- request eval: [ "GET /media/public/p.txt", "GET /media/a.txt", "GET /media/public/../a.txt", "GET /media/public/%2e%2e/a.txt" ]
--- error_code eval: [ 200, 302, 302, 302 ]
--- response_headers eval: [ "! Referrer-Policy", "Location: https://www.example.com/media/a.txt", "! X", "! X" ]
--- response_body eval: [ "public\n", (qr/302 Found/) x 3 ]



=== only exactly off switches the guard off
--- config eval: main::to('$app', 'set $app $arg_x;')
--- request eval: [ "GET /media/a.txt?x=off", "GET /media/a.txt?x=Off", "GET /media/a.txt?x=OFF", "GET /media/a.txt?x=off/", "GET /media/a.txt?x=offline" ]
--- error_code eval: [ 200, (500) x 4 ]



=== an empty URL is a 500, never a grant
--- config eval: main::to('$app', 'set $app $arg_x;')
--- request
GET /media/a.txt
--- refused: 500
--- error_log
[error]
crossdomain_media



=== a URL that is none is a 500
--- config eval: main::to('$app', 'set $app $arg_x;')
--- request eval
[ map { "GET /media/a.txt?x=$_" } "www.example.com", "/login", "//www.example.com", "https:", "https://", "https:///x", "javascript:alert(1)", "ftp://www.example.com", "on" ]
--- error_code eval: [ (500) x 9 ]



=== an unusable URL is a 500 for a good token too: the guard cannot tell whether it is on
--- config eval: main::to('$app', 'set $app $arg_x;')
--- request eval: "GET " . signed("/media/a.txt")
--- refused: 500



=== a URL with a control byte is a 500
--- config eval: main::to('https://www.example.com/login?next=$uri')
--- request eval
[ "GET /media/%0d%0aSet-Cookie:%20a=b", "GET /media/%0a", "GET /media/%09", "GET /media/%7f", "GET /media/%01" ]
--- error_code eval: [ (500) x 5 ]
--- raw_response_headers_unlike eval: [ (qr/Set-Cookie/) x 5 ]



=== escaped control bytes of the target stay escaped
--- config eval: main::to("https://www.example.com")
--- request
GET /media/%0d%0aSet-Cookie:%20a=b?x=%0d%0aX-Injected:1
--- redirected: https://www.example.com/media/%0d%0aSet-Cookie:%20a=b?x=%0d%0aX-Injected:1
--- raw_response_headers_unlike: \r\n(Set-Cookie|X-Injected)



=== bytes outside ASCII are escaped
--- config eval: main::to("https://www.example.com")
--- raw_request eval: raw_get("/media/\xc3\xa9.txt?x=\xff")
--- redirected: https://www.example.com/media/%C3%A9.txt?x=%FF



=== bytes outside ASCII from a variable are escaped
--- config eval: main::to('https://www.example.com$uri')
--- request
GET /media/%C3%A9.txt
--- redirected: https://www.example.com/media/%C3%A9.txt



=== redirect code 303
--- config eval: main::to("https://www.example.com", "crossdomain_media_redirect_code 303;")
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt
--- error_code: 303



=== redirect code 307
--- config eval: main::to("https://www.example.com", "crossdomain_media_redirect_code 307;")
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt
--- error_code: 307



=== redirect code 308
--- config eval: main::to("https://www.example.com", "crossdomain_media_redirect_code 308;")
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt
--- error_code: 308



=== redirect code 302 may be said
--- config eval: main::to("https://www.example.com", "crossdomain_media_redirect_code 302;")
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt



=== expires and add_header do not make a redirect storable
--- config eval: main::to("https://www.example.com", 'expires 1h; add_header Cache-Control "public, max-age=60";')
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt



=== expires and add_header always do not make a refusal storable
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        expires max;
        add_header Cache-Control "public, max-age=60" always;
    }
--- request
GET /media/a.txt?token=x
--- refused: 403



=== expires still applies to what is granted
--- config eval: main::to("https://www.example.com", "expires 1h;")
--- request eval: "GET " . signed("/media/a.txt")
--- granted
--- response_headers
Cache-Control: max-age=3600
Referrer-Policy: no-referrer



=== the referrer policy may be another
--- config eval: main::to("https://www.example.com", 'crossdomain_media_referrer_policy same-origin;')
--- request eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt") ]
--- error_code eval: [ 302, 200 ]
--- response_headers eval: [ ("Referrer-Policy: same-origin") x 2 ]



=== the referrer policy may be off
--- config eval: main::to("https://www.example.com", 'crossdomain_media_referrer_policy off;')
--- request eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt") ]
--- error_code eval: [ 302, 200 ]
--- response_headers eval: [ ("! Referrer-Policy") x 2 ]



=== a refusal with a status has no Location
--- request
GET /media/a.txt?token=x
--- refused: 403



=== absolute_redirect and port_in_redirect leave the application's URL alone
--- config eval: main::to("https://www.example.com", "absolute_redirect off; port_in_redirect on; server_name_in_redirect on;")
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt



=== a URL with a path may say where to return in its own way
--- config eval: main::to('https://www.example.com/renew$crossdomain_media_uri')
--- request
GET /media/a.txt?token=x&a=1
--- redirected: https://www.example.com/renew/media/a.txt?a=1
