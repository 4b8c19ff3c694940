# The guard beside nginx's own access modules: it runs last among them.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;

# user:secret
our @Files = (
    [ "media/a.txt", "private\n" ],
    [ "../conf/passwd", 'user:{PLAIN}secret' . "\n" ],
);

sub guarded {
    my ($more) = @_;
    return <<"CONFIG";
        location /media/ {
            crossdomain_media https://www.example.com;
            crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key;
            # Told only where the guard is on, also when another module decides.
            add_header X-Uri "[\$crossdomain_media_uri]" always;
            $more
        }
        location = /yes { internal; return 204; }
        location = /no { internal; return 403; }
        location = /who { internal; return 401; }
CONFIG
}

run_tests();

__DATA__

=== satisfy any: an allowed address needs no token
--- config eval: main::guarded("satisfy any; allow 127.0.0.1; deny all;")
--- request
GET /media/a.txt
--- error_code: 200
--- response_headers
X-Uri: [/media/a.txt]
--- response_body
private



=== satisfy any: an allowed address needs no good token either
--- config eval: main::guarded("satisfy any; allow 127.0.0.1; deny all;")
--- request
GET /media/a.txt?token=x
--- error_code: 200
--- response_headers
X-Uri: [/media/a.txt]
--- response_body
private



=== satisfy any: a denied address needs a token
--- config eval: main::guarded("satisfy any; deny all;")
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt



=== satisfy any: a denied address with a token is granted
--- config eval: main::guarded("satisfy any; deny all;")
--- request eval: "GET " . signed("/media/a.txt")
--- granted



=== satisfy any: a denied address with a bad token is refused by the guard
--- config eval: main::guarded("satisfy any; deny all;")
--- request
GET /media/a.txt?token=x
--- refused: 403
--- error_log
crossdomain_media: invalid, reason: token_malformed



=== satisfy all: a denied address is refused though the token is good
--- config eval: main::guarded("satisfy all; deny all;")
--- request eval: "GET " . signed("/media/a.txt")
--- error_code: 403
--- response_headers
! Location
X-Uri: [/media/a.txt]
--- response_body_unlike: private



=== satisfy all: a denied address without a token is refused, not redirected
--- config eval: main::guarded("satisfy all; deny all;")
--- request
GET /media/a.txt
--- error_code: 403
--- response_headers
! Location
X-Uri: [/media/a.txt]
--- response_body_unlike: private



=== satisfy all: an allowed address still needs a token
--- config eval: main::guarded("satisfy all; allow all;")
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt?token=x", "GET " . signed("/media/a.txt") ]
--- error_code eval: [ 302, 403, 200 ]



=== satisfy defaults to all
--- config eval: main::guarded("deny all;")
--- request eval: "GET " . signed("/media/a.txt")
--- error_code: 403
--- response_headers
X-Uri: [/media/a.txt]
--- response_body_unlike: private



=== auth_basic, satisfy all: both are needed, and the password is asked for first
--- config eval: main::guarded("auth_basic realm; auth_basic_user_file passwd;")
--- user_files eval: \@main::Files
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt", "GET " . signed("/media/a.txt"), "GET " . signed("/media/a.txt") ]
--- more_headers eval: [ "", "Authorization: Basic dXNlcjpzZWNyZXQ=", "", "Authorization: Basic dXNlcjpzZWNyZXQ=" ]
--- error_code eval: [ 401, 302, 401, 200 ]
--- response_body eval: [ qr/401/, qr/302 Found/, qr/401/, "private\n" ]



=== auth_basic, satisfy any: either is enough
--- config eval: main::guarded("satisfy any; auth_basic realm; auth_basic_user_file passwd;")
--- user_files eval: \@main::Files
--- request eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt") ]
--- more_headers eval: [ "Authorization: Basic dXNlcjpzZWNyZXQ=", "" ]
--- error_code eval: [ 200, 200 ]
--- response_body eval: [ "private\n", "private\n" ]
--- response_headers eval: [ ("! WWW-Authenticate") x 2 ]



=== auth_basic, satisfy any: without either the viewer is sent to the application
--- config eval: main::guarded("satisfy any; auth_basic realm; auth_basic_user_file passwd;")
--- user_files eval: \@main::Files
--- request
GET /media/a.txt
--- redirected: https://www.example.com/media/a.txt



=== auth_basic, satisfy any: a bad token opens nothing, and the password may still be given
--- config eval: main::guarded("satisfy any; auth_basic realm; auth_basic_user_file passwd;")
--- user_files eval: \@main::Files
--- request
GET /media/a.txt?token=x
--- refused: 401
--- response_headers
WWW-Authenticate: Basic realm="realm"



=== auth_request, satisfy all: both are needed
--- config eval: main::guarded("auth_request /yes;")
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt?token=x", "GET " . signed("/media/a.txt") ]
--- error_code eval: [ 302, 403, 200 ]



=== auth_request, satisfy all: its refusal stands against a good token
--- config eval: main::guarded("auth_request /no;")
--- request eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt") ]
--- error_code eval: [ 403, 403 ]
--- response_headers eval: [ ("X-Uri: [/media/a.txt]") x 2 ]
--- response_body eval: [ qr/403 Forbidden/, qr/403 Forbidden/ ]



=== auth_request, satisfy any: its grant needs no token
--- config eval: main::guarded("satisfy any; auth_request /yes;")
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt?token=x" ]
--- error_code eval: [ 200, 200 ]
--- response_headers eval: [ ("X-Uri: [/media/a.txt]") x 2 ]
--- response_body eval: [ ("private\n") x 2 ]



=== auth_request, satisfy any: its refusal leaves the token to decide
--- config eval: main::guarded("satisfy any; auth_request /no;")
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt?token=x", "GET " . signed("/media/a.txt") ]
--- error_code eval: [ 302, 403, 200 ]



=== auth_request, satisfy any: a 401 leaves the token to decide
--- config eval: main::guarded("satisfy any; auth_request /who;")
--- request eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt") ]
--- error_code eval: [ 302, 200 ]
--- response_headers eval: [ "Location: https://www.example.com/media/a.txt", "! WWW-Authenticate" ]



=== the auth_request subrequest sees no token
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / {
            add_header X-Seen "$http_x_original|$request_uri" always;
            return 204;
        }
    }
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        auth_request /auth;
        auth_request_set $seen $upstream_http_x_seen;
        add_header X-Seen $seen;
    }
    location = /auth {
        internal;
        proxy_pass http://$TEST_NGINX_UPSTREAM;
        proxy_set_header X-Original $request_uri;
        proxy_pass_request_body off;
    }
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- granted
--- response_headers
X-Seen: /media/a.txt?x=1|/auth



=== an address that is allowed is served without its token going on
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { return 200 "$request_uri\n"; }
    }
--- config eval: main::guarded('satisfy any; allow all; proxy_pass http://$TEST_NGINX_UPSTREAM;')
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- error_code: 200
--- response_body
/media/a.txt?x=1



=== the address is the one that realip found
--- config eval: main::guarded("set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP; allow 192.0.2.1; deny all;")
--- request eval: [ "GET " . signed("/media/a.txt"), "GET /media/a.txt", "GET " . signed("/media/a.txt") ]
--- more_headers eval: [ ("X-Real-IP: 192.0.2.1") x 2, "X-Real-IP: 192.0.2.2" ]
--- error_code eval: [ 200, 302, 403 ]
--- response_headers eval: [ ("X-Uri: [/media/a.txt]") x 3 ]
