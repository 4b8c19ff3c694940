# What happens when a grant does not hold: crossdomain_media_on, class by class.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;

# The three classes, in this order: missing, expired, invalid.
sub classes {
    return [ "GET /media/a.txt", "GET " . signed("/media/a.txt", at => -5000), "GET /media/a.txt?token=x" ];
}

run_tests();

__DATA__

=== by default missing and expired redirect, and invalid is a 403
--- request eval: main::classes()
--- error_code eval: [ 302, 302, 403 ]
--- response_headers eval: [ ("Cache-Control: no-store") x 3 ]



=== each class may have a status of its own
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_on missing 401;
        crossdomain_media_on expired 410;
        crossdomain_media_on invalid 404;
    }
--- request eval: main::classes()
--- error_code eval: [ 401, 410, 404 ]
--- response_headers eval: [ ("Cache-Control: no-store") x 3 ]



=== several classes may share an action
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_on missing expired invalid 404;
    }
--- request eval: main::classes()
--- error_code eval: [ 404, 404, 404 ]



=== a class that is not named keeps its default
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_on expired 410;
    }
--- request eval: main::classes()
--- error_code eval: [ 302, 410, 403 ]



=== invalid may redirect, so that a broken link renews itself
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_on invalid redirect;
    }
--- request
GET /media/a.txt?token=x
--- redirected: https://www.example.com/media/a.txt



=== the ends of the range of statuses
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_on missing 400;
        crossdomain_media_on invalid 599;
    }
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt?token=x" ]
--- error_code eval: [ 400, 599 ]
--- response_headers eval: [ ("Cache-Control: no-store") x 2 ]



=== a named location answers as it would without the guard
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_on missing @app;
    }
    location @app {
        add_header X-App yes;
        try_files /open/a.txt =404;
    }
--- request
GET /media/a.txt
--- error_code: 200
--- response_body
open
--- response_headers
X-App: yes
! Cache-Control
! Referrer-Policy
! Location



=== each class may have a named location
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_on missing @login;
        crossdomain_media_on expired @renew;
        crossdomain_media_on invalid @refuse;
    }
    location @login { return 200 "login $crossdomain_media_status\n"; }
    location @renew { return 200 "renew $crossdomain_media_status\n"; }
    location @refuse { return 200 "refuse $crossdomain_media_status\n"; }
--- request eval: main::classes()
--- response_body eval: [ "login missing\n", "renew expired\n", "refuse invalid\n" ]
--- error_code eval: [ 200, 200, 200 ]



=== the application behind a named location sees what the viewer asked for, without the token
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { return 200 "app: $request_uri\n"; }
    }
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_on missing invalid @app;
    }
    location @app { proxy_pass http://$TEST_NGINX_UPSTREAM; }
--- request eval: [ "GET /media/%61.txt?x=1", "GET /media/%61.txt?token=x&x=1" ]
--- error_code eval: [ 200, 200 ]
--- response_body eval: [ ("app: /media/%61.txt?x=1\n") x 2 ]



=== a named location of a guarded server is not guarded again
--- config
    crossdomain_media https://www.example.com;
    crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    crossdomain_media_on missing @app;
    location /media/ { }
    location @app { try_files /open/a.txt =404; }
--- request
GET /media/a.txt
--- error_code: 200
--- response_body
open



=== a named location that refuses by itself is believed
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_on missing @app;
    }
    location @app {
        deny all;
        try_files /media/a.txt =404;
    }
--- request
GET /media/a.txt
--- error_code: 403
--- response_body_unlike: private



=== a grant takes no action
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_on missing expired invalid @app;
    }
    location @app { return 200 "app\n"; }
--- request eval: "GET " . signed("/media/a.txt")
--- granted



=== 444 closes the connection without a word
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_on invalid 444;
    }
--- request
GET /media/a.txt?token=x
--- ignore_response
--- error_log
crossdomain_media: invalid, reason: token_malformed



=== a 401 may be delayed, and has its page
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_on missing invalid 401;
        auth_delay 50ms;
        error_page 401 /denied.html;
    }
--- pipelined_requests eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt"), "GET /media/a.txt?token=x" ]
--- error_code eval: [ 401, 200, 401 ]
--- response_headers eval: [ "Cache-Control: no-store", "! Cache-Control", "Cache-Control: no-store" ]
--- response_body eval: [ "sorry\n", "private\n", "sorry\n" ]
