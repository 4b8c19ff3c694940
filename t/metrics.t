# crossdomain_media_zone and crossdomain_media_metrics: what was decided, counted in shared memory. What a scraper makes
# of it, over reloads and with several workers: nginx-test/e2e/test_metrics.py.
use v5.20;
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use Media;

sub guarded {
    my ($more, $path) = @_;
    $path //= '/media/';
    return <<"CONFIG";
    location $path {
        crossdomain_media https://www.example.com;
        crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key id=main;
        @{[ $more // '' ]}
    }
CONFIG
}

our $Metrics = 'location = /metrics { crossdomain_media_metrics; }';
our $Zone = 'crossdomain_media_zone media:64k;';

run_tests();

__DATA__

=== decisions by server, status, reason, format and key
--- http_config eval: $main::Zone
--- config eval: main::guarded() . $main::Metrics
--- request eval
my $good = 'GET ' . signed('/media/a.txt');
[ $good, $good, 'GET /media/a.txt', 'GET ' . signed('/media/a.txt', at => -5000), 'GET /media/a.txt?token=x', 'GET /metrics' ]
--- error_code eval: [ 200, 200, 302, 302, 403, 200 ]
--- response_body_like eval
[ ('') x 5, qr/^# HELP crossdomain_media_decisions_total .*
# TYPE crossdomain_media_decisions_total counter
crossdomain_media_decisions_total\{zone="media",server="localhost",status="invalid",reason="token_malformed",format="",key=""\} 1
crossdomain_media_decisions_total\{zone="media",server="localhost",status="missing",reason="no_token",format="",key=""\} 1
crossdomain_media_decisions_total\{zone="media",server="localhost",status="expired",reason="token_expired",format="django",key="main"\} 1
crossdomain_media_decisions_total\{zone="media",server="localhost",status="granted",reason="valid",format="django",key="main"\} 2
# HELP crossdomain_media_decision_duration_seconds .*
# TYPE crossdomain_media_decision_duration_seconds histogram
crossdomain_media_decision_duration_seconds_bucket\{zone="media",server="localhost",format="",le="0.0000005"\} \d+
/ ]
--- response_headers eval
[ ('') x 5, 'Content-Type: text/plain; version=0.0.4; charset=utf-8' ]



=== a zone for each server that has one, and "off"
--- http_config
    crossdomain_media_zone outer:64k;
    server {
        listen unix:$TEST_NGINX_SERVER_ROOT/html/inner.sock;
        server_name inner.example.org *.example.org;
        crossdomain_media_zone inner:128k;
        location / {
            crossdomain_media https://www.example.com;
            crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        }
        location /off/ {
            crossdomain_media https://www.example.com;
            crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
            crossdomain_media_zone off;
        }
        location /outer/ {
            crossdomain_media https://www.example.com;
            crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
            crossdomain_media_zone outer;
        }
    }
--- config
    location / { proxy_pass http://unix:$TEST_NGINX_SERVER_ROOT/html/inner.sock:; }
    location = /metrics { crossdomain_media_metrics; }
--- request eval: [ map { "GET $_" } qw(/a /a /off/a /outer/a /metrics) ]
--- error_code eval: [ 302, 302, 302, 302, 200 ]
--- response_body_like eval
[ ('') x 4, qr/TYPE crossdomain_media_decisions_total counter
crossdomain_media_decisions_total\{zone="outer",server="inner.example.org",status="missing",reason="no_token",format="",key=""\} 1
crossdomain_media_decisions_total\{zone="inner",server="inner.example.org",status="missing",reason="no_token",format="",key=""\} 2
# HELP/ ]



=== a dry run is counted, an unguarded location is not, and nobody is named
--- http_config eval: $main::Zone
--- config eval
main::guarded('crossdomain_media_dry_run on;') . $main::Metrics
--- request eval
my $bad = 'GET /media/a.txt?token=secret';
[ $bad, 'GET /nothing', 'GET /metrics' ]
--- error_code eval: [ 200, 404, 200 ]
--- response_body_like eval
[ ('') x 2, qr/\A(?!.*(?:secret|a\.txt|127\.0)).*counter
crossdomain_media_decisions_total\{zone="media",server="localhost",status="invalid",[^\n]*\} 1
# HELP/s ]



=== without a zone there is nothing to show
--- config eval: main::guarded() . $main::Metrics
--- request eval: [ 'GET /media/a.txt', 'GET /metrics' ]
--- error_code eval: [ 302, 200 ]
--- response_body_unlike eval: [ 'zone=', 'zone=' ]



=== what is not for reading is not allowed, and a body does not hurt
--- http_config eval: $main::Zone
--- config eval: $main::Metrics
--- request eval: [ "HEAD /metrics", "POST /metrics\nx=1", "PUT /metrics\nx", "GET /metrics\nx=1" ]
--- error_code eval: [ 200, 405, 405, 200 ]
--- response_headers_like eval: [ 'Content-Type: text/plain.*', ('') x 3 ]



=== the location may be guarded itself
--- http_config eval: $main::Zone
--- config eval: main::guarded('crossdomain_media_metrics;')
--- request eval: [ 'GET /media/a.txt', 'GET ' . signed('/media/a.txt'), 'GET ' . signed('/media/a.txt') ]
--- error_code eval: [ 302, 200, 200 ]
--- response_body_like eval: [ '', qr/reason="valid"/, qr/reason="valid",format="django",key="main"\} 2/ ]



=== a name that is escaped
--- http_config
    crossdomain_media_zone media:32k;
    server {
        listen unix:$TEST_NGINX_SERVER_ROOT/html/inner.sock;
        server_name 'we"ird\\name';
        location / {
            crossdomain_media https://www.example.com;
            crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
        }
    }
--- config
    location / { proxy_pass http://unix:$TEST_NGINX_SERVER_ROOT/html/inner.sock:; }
    location = /metrics { crossdomain_media_metrics; }
--- request eval: [ 'GET /a', 'GET /metrics' ]
--- error_code eval: [ 302, 200 ]
--- response_body_like eval
[ '', qr/_total\{zone="media",server="we\\"ird\\\\name",.*_bucket\{zone="media",server="we\\"ird\\\\name",/s ]



=== one answer for a location
--- config
    location = /metrics { empty_gif; crossdomain_media_metrics; }
--- must_die
--- error_log
crossdomain_media_metrics: here: another directive answers already



=== a name that means something else
--- config eval: main::guarded('crossdomain_media_zone off:64k;')
--- must_die
--- error_log
crossdomain_media_zone: off:64k: expected NAME:SIZE, NAME or "off"



=== a zone without a size that nobody gives one
--- config eval: main::guarded('crossdomain_media_zone media;')
--- must_die
--- error_log
crossdomain_media_zone: media: expected NAME:SIZE in one of its directives in



=== two sizes
--- config eval: main::guarded('crossdomain_media_zone media:64k;') . main::guarded('crossdomain_media_zone media:65k;', '/other/')
--- must_die
--- error_log
the size 66560 of shared memory zone "media" conflicts with already declared size 65536



=== too small
--- config eval: main::guarded('crossdomain_media_zone media:4k;')
--- must_die
--- error_log
crossdomain_media_zone: media:4k: too small, expected at least 32768 bytes



=== no size
--- config eval: main::guarded('crossdomain_media_zone media:large;')
--- must_die
--- error_log
crossdomain_media_zone: media:large: expected a size such as 512k or 1m



=== no name
--- config eval: main::guarded('crossdomain_media_zone :1m;')
--- must_die
--- error_log
crossdomain_media_zone: :1m: expected NAME:SIZE, NAME or "off"



=== a zone of another module
--- http_config
    limit_req_zone $binary_remote_addr zone=media:64k rate=1r/s;
--- config eval: main::guarded('crossdomain_media_zone media:64k;')
--- must_die
--- error_log
shared memory zone "media" is already declared for a different use



=== twice
--- config eval: main::guarded('crossdomain_media_zone media:64k; crossdomain_media_zone media;')
--- must_die
--- error_log
"crossdomain_media_zone" directive is duplicate



=== metrics twice
--- config
    location = /metrics { crossdomain_media_metrics; crossdomain_media_metrics; }
--- must_die
--- error_log
"crossdomain_media_metrics" directive is duplicate



=== metrics outside a location
--- config
    crossdomain_media_metrics;
--- must_die
--- error_log
"crossdomain_media_metrics" directive is not allowed here
