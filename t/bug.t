# One block per bug that was found, so that it stays fixed.
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;

run_tests();

__DATA__

=== a 500 of the guard's own is not for caches either
--- config
    location /media/ {
        crossdomain_media $app;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        set $app "";
        add_header Cache-Control "public, max-age=60" always;
    }
--- request
GET /media/a.txt
--- refused: 500



=== a request that limit_req refuses is logged without its token
--- http_config
    limit_req_zone all zone=slow:1m rate=1r/m;
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        limit_req zone=slow;
    }
--- request eval: [ "GET /media/a.txt", "GET /media/a.txt?token=forged" ]
--- error_code eval: [ 302, 503 ]
--- no_access_log
forged
--- no_error_log eval: qr/\[error\] .*forged/



=== after an internal redirect the other location's arguments are masked as well
--- config
    location /media/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        try_files /none /other/a.txt;
    }
    location /other/ {
        crossdomain_media https://www.example.com;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_token arg:sig;
    }
--- request eval: "GET " . signed("/media/a.txt") . "&sig=forged"
--- refused: 403
--- access_log eval: qr/token=\*\*\*&sig=\*\*\* HTTP/
--- no_access_log
forged



=== a space from a variable is escaped in a Location, and is no 500
--- config
    location /media/ {
        crossdomain_media https://www.example.com/login?next=$uri;
        crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    }
--- request
GET /media/a%20b.txt
--- redirected: https://www.example.com/login?next=/media/a%20b.txt
