# The flow in ten blocks, on anything from nginx 1.22 on.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;

run_tests();

__DATA__

=== a token for this path is granted
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    }
--- request eval: "GET " . signed("/media/a.txt")
--- granted



=== without a token the viewer is sent to the application
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    }
--- request
GET /media/a.txt?download
--- redirected: https://www.example.com/media/a.txt?download



=== an expired token is redirected, and its query is kept
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    }
--- request eval: "GET " . signed("/media/a.txt", at => -3600) . "&page=2"
--- redirected: https://www.example.com/media/a.txt?page=2



=== a token of another path is refused
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    }
--- request eval: "GET /media/a.txt?" . token_arg("/media/b.txt")
--- refused: 403



=== a token of an unknown key is refused
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    }
--- request eval: "GET " . signed("/media/a.txt", key => "other.key")
--- refused: 403



=== the variables tell the verdict
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key id=main;
        crossdomain_media_public_url https://media.example.org;
        add_header X-Verdict "$crossdomain_media_status $crossdomain_media_reason $crossdomain_media_key_id" always;
        add_header X-Uri $crossdomain_media_uri always;
        add_header X-Return $crossdomain_media_return_url always;
    }
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- granted
--- response_headers
X-Verdict: granted valid main
X-Uri: /media/a.txt?x=1
X-Return: https%3A%2F%2Fmedia.example.org%2Fmedia%2Fa.txt%3Fx%3D1



=== an upstream sees no token
--- http_config
    server {
        listen $TEST_NGINX_UPSTREAM;
        location / { return 200 "$request_uri\n"; }
    }
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        proxy_pass http://$TEST_NGINX_UPSTREAM;
    }
--- request eval: "GET " . signed("/media/a.txt") . "&x=1"
--- granted
--- response_body
/media/a.txt?x=1



=== satisfy any: an allowed address needs no token
--- config
    location /media/ {
        satisfy any;
        allow 127.0.0.1;
        deny all;
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/other.key;
        add_header X-Uri $crossdomain_media_uri always;
    }
    location /other/ {
        satisfy any;
        deny all;
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/other.key;
    }
--- request eval: [ "GET /media/a.txt", "GET /other/a.txt" ]
--- error_code eval: [ 200, 302 ]



=== an internal redirect is decided from what the viewer asked for
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        index index.html;
    }
--- request eval: [ "GET " . signed("/media/dir/"), "GET /media/dir/" ]
--- error_code eval: [ 200, 302 ]
--- response_body eval: [ "private index\n", qr/302 Found/ ]



=== a refusal's error page is served
--- config
    crossdomain_media https://www.example.com;
    crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    error_page 403 /denied.html;
--- request
GET /media/a.txt?token=forged
--- refused: 403
--- response_body
sorry



=== the log says why, without the token
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    }
--- request
GET /media/a.txt?token=forged&x=1
--- refused: 403
--- error_log
crossdomain_media: invalid, reason: token_malformed, uri: "/media/a.txt?x=1", client: 127.0.0.1
request: "GET /media/a.txt?token=***&x=1 HTTP/1.1"
--- no_error_log
forged
--- access_log
"GET /media/a.txt?token=***&x=1 HTTP/1.1" 403
--- no_access_log
forged
