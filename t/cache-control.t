# crossdomain_media_cache_control: what is granted is kept for no longer than the grant lasts.
use v5.20;
use lib 't/lib';
use Test::Nginx::Socket 'no_plan';
use HTTP::Date qw(time2str);
use Media;
use Jwt;

# Tokens of Django's live for an hour here; JWTs end when they say so.
sub guard {
    my ($more) = @_;
    $more //= '';
    return <<"CONFIG";
        crossdomain_media https://www.example.com;
        crossdomain_media_key \$TEST_NGINX_KEYS_DIR/main.key;
        crossdomain_media_key \$TEST_NGINX_JWT_DIR/hs.key format=jwt;
        crossdomain_media_max_age 1h;
        crossdomain_media_cache_control on;
        add_header X-Remaining \$crossdomain_media_remaining always;
        $more
CONFIG
}

sub guarded { return 'location /media/ { ' . guard(@_) . ' }' }

our $Signed = 'GET ' . signed('/media/a.txt');

# An upstream that says this of its files.
sub upstream {
    my @headers = map { "add_header $_ always;" } @_;
    return "server { listen \$TEST_NGINX_UPSTREAM; location / { root html; @headers } }";
}

our $Proxy = 'proxy_pass http://$TEST_NGINX_UPSTREAM;';

# All that a response says about its life: its lines, without "Cache-Control: ", in their order. In them R is what
# remains of the grant: an hour, but for the time that the suite takes.
sub says {
    my @said = map { quotemeta =~ s/\bR\b/\\g{left}/gr } @_;
    my $lines = join '.*?\nCache-Control: ', '', map { "$_\\r" } @said;
    return '\A(?=.*\nX-Remaining: (?<left>[1-3]\d\d\d)\r)'
        . '(?!.*\nExpires:)(?!(?:.*\nCache-Control: ){' . (@said + 1) . '})(?:' . ($lines || '\A') . ')';
}

# The same with an Expires that is left alone.
sub says_expires {
    my ($expires, @said) = @_;
    my $date = quotemeta $expires;
    return says(@said) =~ s/\Q(?!.*\nExpires:)\E/(?=.*\\nExpires: $date\\r)(?!(?:.*\\nExpires:){2})/r;
}

# An HTTP date so many seconds from now.
sub date { return time2str(time + $_[0]) }

our ($Near, $Far, $Past) = (date(600), date(86_400), date(-600));

# Locations /0/ to /N/ that each say something else, each with the same file; and requests for these.
sub each_location {
    my ($number, @more) = (0, @_);
    return join '', map { 'location /' . $number++ . '/ { ' . guard($_) . ' }' } @more;
}

sub each_file { return [ map { [ "$_/a.txt", "private\n" ] } 0 .. $_[0] - 1 ] }

sub each_signed { return [ map { 'GET ' . signed("/$_/a.txt") } 0 .. $_[0] - 1 ] }

# What others say, and what is left of it.
our @Capped = (
    [ 'max-age=60', 'max-age=60' ],
    [ 'max-age=0', 'max-age=0' ],
    [ 'max-age=86400', 'max-age=R' ],
    [ 'public, max-age=86400, immutable', 'public, max-age=R, immutable' ],
    [ 'MAX-AGE=86400', 'MAX-AGE=R' ],
    [ 'max-age="86400"', 'max-age=R' ],
    [ 'max-age="60"', 'max-age="60"' ],
    [ 'max-age=99999999999999999999', 'max-age=R' ],
    [ 'max-age=-1', 'max-age=0' ],
    [ 'no-store, x="a\\"b"', 'no-store' ],
    [ 'private, ext="', 'no-store' ],
    [ 'max-age=1e9', 'max-age=0' ],
    [ 'max-age', 'max-age=0' ],
    [ 'max-age=60, max-age=86400', 'max-age=60, max-age=R' ],
    [ 's-maxage=86400, max-age=60', 's-maxage=R, max-age=60' ],
    [ 'max-age=86400, s-maxage=60', 'max-age=R, s-maxage=60' ],
    [ 'max-age=60, stale-while-revalidate=86400, stale-if-error=86400', 'max-age=60' ],
    [ 'no-store, must-understand', 'no-store' ],
    [ 'max-age=60, Stale-While-Revalidate = 5', 'max-age=60' ],
    [ 'max-age=60,must-revalidate,proxy-revalidate', 'max-age=60, must-revalidate, proxy-revalidate' ],
    [ 'no-store', 'no-store' ],
    [ 'no-cache', 'no-cache' ],
    [ 'private, no-cache, no-store, must-revalidate', 'private, no-cache, no-store, must-revalidate' ],
    [ 'no-cache, max-age=86400', 'no-cache, max-age=R' ],
    [ ' , max-age=60 ,, public ', 'max-age=60, public' ],
);

# What says nothing about its life.
our @Silent = (
    [ 'public', 'public', 'max-age=R' ],
    [ 'private', 'private', 'max-age=R' ],
    [ 'immutable, must-revalidate', 'immutable, must-revalidate', 'max-age=R' ],
    [ 'stale-while-revalidate=86400', 'max-age=R' ],
    [ 'stale-if-error=86400, public', 'public', 'max-age=R' ],
    [ 'x-max-age=5', 'x-max-age=5', 'max-age=R' ],
);

run_tests();

__DATA__

=== a response that says nothing about its life gets what remains
--- config eval: main::guarded()
--- request eval: $main::Signed
--- error_code: 200
--- raw_response_headers_like eval: main::says("max-age=R")
--- response_body
private



=== what others say is cut down
--- config eval: main::each_location(map { "add_header Cache-Control '$_->[0]';" } @main::Capped)
--- user_files eval: main::each_file(scalar @main::Capped)
--- request eval: main::each_signed(scalar @main::Capped)
--- error_code eval: [ (200) x @main::Capped ]
--- raw_response_headers_like eval: [ map { main::says($_->[1]) } @main::Capped ]



=== what says nothing of time is capped beside
--- config eval: main::each_location(map { "add_header Cache-Control '$_->[0]';" } @main::Silent)
--- user_files eval: main::each_file(scalar @main::Silent)
--- request eval: main::each_signed(scalar @main::Silent)
--- error_code eval: [ (200) x @main::Silent ]
--- raw_response_headers_like eval: [ map { main::says(@$_[ 1 .. $#$_ ]) } @main::Silent ]



=== several lines are each cut down
--- config eval
main::each_location(
    "add_header Cache-Control max-age=86400; add_header Cache-Control public;",
    "add_header Cache-Control max-age=60; add_header Cache-Control s-maxage=86400;",
    "add_header Cache-Control stale-if-error=5; add_header Cache-Control max-age=86400; add_header Cache-Control no-cache;",
    "add_header Cache-Control private; add_header Cache-Control must-revalidate;")
--- user_files eval: main::each_file(4)
--- request eval: main::each_signed(4)
--- error_code eval: [ (200) x 4 ]
--- raw_response_headers_like eval
[ main::says("max-age=R", "public"), main::says("max-age=60", "s-maxage=R"), main::says("max-age=R", "no-cache"), main::says("private", "must-revalidate", "max-age=R") ]



=== the directive expires: shorter, longer, never, always, and what it leaves to others
--- config eval: main::each_location(map { "expires $_;" } qw(1m 1d max epoch -1 off 0))
--- user_files eval: main::each_file(7)
--- request eval: main::each_signed(7)
--- error_code eval: [ (200) x 7 ]
--- raw_response_headers_like eval
[ map { main::says($_) } qw(max-age=60 max-age=R max-age=R no-cache no-cache max-age=R max-age=0) ]



=== the directive expires beside add_header
--- config eval: main::each_location("expires 1d; add_header Cache-Control public;", "expires 1m; add_header Cache-Control s-maxage=86400;")
--- user_files eval: main::each_file(2)
--- request eval: main::each_signed(2)
--- error_code eval: [ 200, 200 ]
--- raw_response_headers_like eval: [ main::says("max-age=R", "public"), main::says("max-age=60", "s-maxage=R") ]



=== Expires alone: one that ends earlier stays, a later one goes
--- config eval: main::each_location(map { "add_header Expires '$_';" } $main::Near, $main::Past, $main::Far, "0", "-1", "nonsense")
--- user_files eval: main::each_file(6)
--- request eval: main::each_signed(6)
--- error_code eval: [ (200) x 6 ]
--- raw_response_headers_like eval
[ main::says_expires($main::Near), main::says_expires($main::Past), main::says("max-age=R"), map { main::says_expires($_) } "0", "-1", "nonsense" ]



=== Expires beside what says nothing of time
--- config eval: main::each_location(map { "add_header Expires '$_'; add_header Cache-Control public;" } $main::Near, $main::Far)
--- user_files eval: main::each_file(2)
--- request eval: main::each_signed(2)
--- error_code eval: [ 200, 200 ]
--- raw_response_headers_like eval: [ main::says_expires($main::Near, "public"), main::says("public", "max-age=R") ]



=== Expires beside what says a time goes: the shorter one might not be what a cache believes
--- config eval: main::each_location(map { "add_header Expires '$_'; add_header Cache-Control max-age=60;" } $main::Near, $main::Far, $main::Past)
--- user_files eval: main::each_file(3)
--- request eval: main::each_signed(3)
--- error_code eval: [ (200) x 3 ]
--- raw_response_headers_like eval: [ (main::says("max-age=60")) x 3 ]



=== of two Expires the first counts (RFC 9111, 4.2.1), so the later end must not stay
--- config eval: main::guarded("add_header Expires '$main::Far'; add_header Expires '$main::Past';")
--- request eval: $main::Signed
--- error_code: 200
--- raw_response_headers_unlike eval: "Expires: \Q$main::Far\E"



=== an upstream's lines are cut down
--- http_config eval: main::upstream("Cache-Control 'public, max-age=86400, stale-if-error=5'", "Expires '$main::Far'")
--- config eval: main::guarded($main::Proxy)
--- request eval: $main::Signed
--- error_code: 200
--- raw_response_headers_like eval: main::says("public, max-age=R")



=== an upstream's several lines
--- http_config eval: main::upstream("Cache-Control public", "Cache-Control max-age=86400")
--- config eval: main::guarded("$main::Proxy")
--- request eval: $main::Signed
--- error_code: 200
--- raw_response_headers_like eval: main::says("public", "max-age=R")



=== an upstream's Expires alone
--- http_config eval: main::upstream("Expires '$main::Far'")
--- config eval: main::guarded($main::Proxy)
--- request eval: $main::Signed
--- error_code: 200
--- raw_response_headers_like eval: main::says("max-age=R")



=== an upstream's Expires that ends earlier
--- http_config eval: main::upstream("Expires '$main::Near'", "Cache-Control stale-if-error=86400")
--- config eval: main::guarded($main::Proxy)
--- request eval: $main::Signed
--- error_code: 200
--- raw_response_headers_like eval: main::says_expires($main::Near)



=== an upstream's lines with those of this server
--- http_config eval: main::upstream("Cache-Control max-age=60")
--- config eval: main::guarded("$main::Proxy add_header Cache-Control max-age=86400;")
--- request eval: $main::Signed
--- error_code: 200
--- raw_response_headers_like eval: main::says("max-age=60", "max-age=R")



=== the directive expires in the place of an upstream's lines
--- http_config eval: main::upstream("Cache-Control max-age=60", "Expires '$main::Near'")
--- config eval: main::guarded("$main::Proxy expires 1d;")
--- request eval: $main::Signed
--- error_code: 200
--- raw_response_headers_like eval: main::says("max-age=R")



=== what s-maxage alone says is not for browsers, which would guess
--- config eval: main::guarded("add_header Cache-Control s-maxage=60;")
--- request eval: $main::Signed
--- error_code: 200
--- raw_response_headers_like eval: main::says("s-maxage=60", "max-age=R")



=== no-cache with names is for these headers only (RFC 9111, 5.2.2.4), so nothing is said about its life
--- config eval: main::guarded(q(add_header Cache-Control 'no-cache="Set-Cookie"';))
--- request eval: $main::Signed
--- error_code: 200
--- raw_response_headers_like eval: main::says('no-cache="Set-Cookie"', "max-age=R")



=== what is for shared caches only, and is believed before, does not outlive the grant (RFC 9213)
--- config eval: main::guarded("add_header Cache-Control max-age=60; add_header CDN-Cache-Control max-age=86400; add_header Surrogate-Control max-age=86400;")
--- request eval: $main::Signed
--- error_code: 200
--- raw_response_headers_like eval: main::says("max-age=60")
--- raw_response_headers_unlike: 86400



=== a JWT's end counts
--- config eval: main::guarded("expires 1d;")
--- request eval: [ map { "GET /media/a.txt?token=" . jwt({ path => "/media/a.txt", exp => time + $_ }) } 3600, 7200, 500_000 ]
--- error_code eval: [ (200) x 3 ]
--- raw_response_headers_like eval
[ main::says("max-age=R"), '(?=.*\nX-Remaining: ([4-7]\d\d\d)\r).*\nCache-Control: max-age=\1\r', '(?=.*\nX-Remaining: (?:49\d\d\d\d|500000)\r).*\nCache-Control: max-age=86400\r' ]



=== what a cookie grants is private, and capped
--- config eval: main::guarded("crossdomain_media_token cookie:media header:Authorization arg:token; add_header Cache-Control 'public, max-age=86400, s-maxage=86400';")
--- request eval: [ ("GET /media/a.txt") x 2, $main::Signed ]
--- more_headers eval: [ "Cookie: media=" . token("/media/a.txt"), "Authorization: Bearer " . token("/media/a.txt"), "" ]
--- error_code eval: [ (200) x 3 ]
--- raw_response_headers_like eval
[ (main::says("max-age=R", "private")) x 2, main::says("public, max-age=R, s-maxage=R") ]



=== what a cookie grants and says nothing of its life
--- config eval: main::guarded("crossdomain_media_token cookie:media; add_header Cache-Control s-maxage=86400;")
--- request
GET /media/a.txt
--- more_headers eval: "Cookie: media=" . token("/media/a.txt")
--- error_code: 200
--- raw_response_headers_like eval: main::says("private", "max-age=R")



=== ranges, what is not modified, HEAD, and what is not there
--- config eval: main::guarded("expires 1d; add_header Cache-Control public always;")
--- user_files
>>> media/a.txt 201501010000.00
private
--- request eval: [ ($main::Signed) x 2, $main::Signed =~ s/GET/HEAD/r, "GET " . signed("/media/none") ]
--- more_headers eval: [ "Range: bytes=0-3", "If-Modified-Since: Thu, 01 Jan 2015 00:00:00 GMT", "", "" ]
--- error_code eval: [ 206, 304, 200, 404 ]
--- raw_response_headers_like eval: [ (main::says("max-age=R", "public")) x 3, main::says("public") ]



=== a grant in its leeway has nothing left
--- config eval: main::guarded("crossdomain_media_leeway 10h; expires 1d;") =~ s/X-Remaining \K\S+/always-3600/r
--- request eval: "GET " . signed("/media/a.txt", at => -7200)
--- error_code: 200
--- response_headers
Cache-Control: max-age=0
! Expires



=== and its Expires goes too, if it is ahead
--- config eval: main::each_location(map { "crossdomain_media_leeway 10h; add_header Expires '$_';" } $main::Near, $main::Past)
--- user_files eval: main::each_file(2)
--- request eval: [ map { "GET " . signed("/$_/a.txt", at => -7200) } 0, 1 ]
--- error_code eval: [ 200, 200 ]
--- response_headers eval: [ "Cache-Control: max-age=0\n! Expires", "! Cache-Control\nExpires: $main::Past" ]



=== refusals and redirects stay no-store
--- config eval: main::guarded("expires 1d; add_header Cache-Control public always;")
--- request eval: [ "GET /media/a.txt", "GET " . signed("/media/a.txt", at => -7200), "GET /media/a.txt?token=x" ]
--- error_code eval: [ 302, 302, 403 ]
--- response_headers eval: [ ("Cache-Control: no-store\n! Expires") x 3 ]



=== a dry run caps what would be granted, and nothing else
--- config eval: main::guarded("crossdomain_media_dry_run on; expires 1d;")
--- request eval: [ $main::Signed, "GET /media/a.txt" ]
--- error_code eval: [ 200, 200 ]
--- raw_response_headers_like eval: [ main::says("max-age=R"), '\nExpires: .*\nCache-Control: max-age=86400\r' ]



=== what somebody else grants has no end
--- config eval: main::guarded('satisfy any; allow all; expires 1d; add_header X-Uri "[$crossdomain_media_uri]";')
--- request eval: [ $main::Signed, "GET /media/a.txt" ]
--- error_code eval: [ 200, 200 ]
--- raw_response_headers_like eval: [ ('\nExpires: .*\nCache-Control: max-age=86400\r.*\nX-Uri: \[/media/a\.txt\]\r') x 2 ]



=== where the guard is off, nothing is capped
--- http_config
    map $uri $application { volatile; default https://www.example.com; /media/public/p.txt off; }
--- config eval: main::guarded("expires 1d;") =~ s/crossdomain_media \K\S+(?=;)/\$application/r
--- request eval: [ $main::Signed, "GET /media/public/p.txt" ]
--- error_code eval: [ 200, 200 ]
--- raw_response_headers_like eval: [ main::says("max-age=R"), '\nExpires: .*\nCache-Control: max-age=86400\r' ]



=== two grants: the earlier end counts, whichever comes first
--- config eval
my $long = main::guard("expires 1d;") =~ s/max_age 1h/max_age 10h/r =~ s/add_header X-Remaining.*//r;
"location /media/ { " . main::guard("try_files \$uri /other/a.txt;") . " }
 location /open/ { $long try_files \$uri /media/a.txt; }
 location /other/ { $long }"
--- request eval: [ map { "GET " . signed($_) } "/media/none", "/open/none" ]
--- error_code eval: [ 200, 200 ]
--- raw_response_headers_like eval: [ '\nCache-Control: max-age=[1-3]\d\d\d\r', main::says("max-age=R") ]
--- raw_response_headers_unlike eval: [ ("Expires") x 2 ]
--- response_body eval: [ "private other\n", "private\n" ]



=== a grant that leads to a location without the directive is capped there too
--- config eval
main::guarded("try_files \$uri /open/a.txt;") . " location /open/ { expires 1d; add_header X-Remaining \$crossdomain_media_remaining; }"
--- request eval: [ "GET " . signed("/media/none"), "GET /open/a.txt" ]
--- error_code eval: [ 200, 200 ]
--- raw_response_headers_like eval: [ main::says("max-age=R"), '\nExpires: .*\nCache-Control: max-age=86400\r' ]



=== the page of an error behind a grant is capped
--- config eval: main::guard("error_page 404 /denied.html; expires 1d; add_header Cache-Control public always;") . "location /media/ { } location = /denied.html { crossdomain_media off; add_header X-Remaining \$crossdomain_media_remaining always; add_header Cache-Control max-age=86400 always; }"
--- request eval: "GET " . signed("/media/none")
--- error_code: 404
--- raw_response_headers_like eval: main::says("max-age=R")
--- response_body
sorry



=== the page of our own refusal is not
--- config eval: main::guard("error_page 403 =200 /denied.html; expires 1d;") . "location /media/ { }"
--- request
GET /media/a.txt?token=x
--- error_code: 200
--- response_headers
Cache-Control: no-store
! Expires
--- response_body
sorry



=== a subrequest has no say
--- config eval: main::guarded("ssi on; ssi_types *;") . " location /open/ { expires 1m; add_header Cache-Control no-cache; }"
--- user_files eval: [ [ "media/a.txt", q(<!--# include virtual="/open/a.txt" -->) ], [ "open/a.txt", "open\n" ] ]
--- request eval: $main::Signed
--- error_code: 200
--- raw_response_headers_like eval: main::says("max-age=R")
--- response_body
open



=== off is the default
--- config eval: main::guarded("expires 1d;") =~ s/crossdomain_media_cache_control on;//r
--- request eval: $main::Signed
--- error_code: 200
--- raw_response_headers_like: \nExpires: .*\nCache-Control: max-age=86400\r.*\nX-Remaining: [1-3]\d\d\d\r



=== off is the default, and says nothing
--- config eval: main::guarded() =~ s/crossdomain_media_cache_control on;//r
--- request eval: $main::Signed
--- error_code: 200
--- response_headers
! Cache-Control
! Expires
--- raw_response_headers_like: \nX-Remaining: [1-3]\d\d\d\r



=== inheritance: from http to location, and off within
--- http_config
    crossdomain_media_cache_control on;
--- config
    crossdomain_media https://www.example.com;
    crossdomain_media_key $TEST_NGINX_KEYS_DIR/main.key;
    crossdomain_media_max_age 1h;
    expires 1d;
    location /media/ {
        location /media/dir/ {
            crossdomain_media_cache_control off;
            location /media/dir/sub/ { crossdomain_media_cache_control on; }
        }
    }
--- request eval: [ map { "GET " . signed($_) } "/media/a.txt", "/media/dir/x.txt", "/media/dir/sub/y.txt" ]
--- error_code eval: [ (200) x 3 ]
--- raw_response_headers_like eval: [ map { "\\nCache-Control: max-age=$_\\r" } '[1-3]\d\d\d', 86400, '[1-3]\d\d\d' ]



=== a value that is none
--- config eval: main::guarded() =~ s/cache_control \Kon/yes/r
--- must_die
--- error_log
crossdomain_media_cache_control: yes: expected "on" or "off" in



=== two values
--- config eval: main::guarded() =~ s/cache_control \Kon/on on/r
--- must_die
--- error_log
invalid number of arguments in "crossdomain_media_cache_control" directive



=== no value
--- config eval: main::guarded() =~ s/cache_control \Kon//r
--- must_die
--- error_log
invalid number of arguments in "crossdomain_media_cache_control" directive



=== the directive twice
--- config eval: main::guarded("crossdomain_media_cache_control off;")
--- must_die
--- error_log
"crossdomain_media_cache_control" directive is duplicate
