# Memory that cannot be had: each allocation of a request fails once, one after another, and so do all from it on. The
# request is answered 500, or the connection is closed; never with what must be refused; and the next one is served.
# Test::Nginx cannot do that, so this suite runs a server of its own, with one small pool after another: in the smallest
# nearly everything is an allocation of its own, and in larger ones other things are the first in a new block. An nginx
# built with -DNGX_DEBUG_PALLOC=1, where everything is, needs no more than one.
# FAULTS_PLACES=1 says where the module takes memory past nginx's pools, and the worker ends when there is none.
use v5.20;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use lib 't/lib';
use Media;
use CloudFront;
use HandOver;
use Jwt;
use Server;

my $nginx   = $ENV{TEST_NGINX_BINARY} || 'nginx';
my @modules = grep { length } split /\s+/, $ENV{TEST_NGINX_LOAD_MODULES} // '';
my ($module) = grep { /crossdomain_media/ } @modules;
my $keys    = keys_dir();
my $jwt     = $ENV{TEST_NGINX_JWT_DIR};
my $build   = `$nginx -V 2>&1`;
my @pools   = $build =~ /NGX_DEBUG_PALLOC=1/ ? 4096 : map { 112 + 16 * $_ } 0 .. 4;

# AddressSanitizer and valgrind have allocators of their own.
plan skip_all => 'the allocator is another' if $build =~ /-fsanitize/ || $ENV{TEST_NGINX_USE_VALGRIND};

my $dir = folder();
write_file('html/media/a.txt', "private\n");
write_file('html/open/a.txt', "open\n");
write_file('faults', "\0" x 256);

key_pair($_) for qw(rsa ec ed);

my $guard = 'crossdomain_media https://www.example.com;';

my $servers = join '', map { <<"SERVER" } @pools;
    server {
        listen unix:$dir/$_.sock;
        server_name media.example.org;
        request_pool_size $_;
        root $dir/html;
        crossdomain_media_key $keys/main.key id=main;
        crossdomain_media_public_url https://media.example.org;
        location /open/ { }
        location /media/ {
            $guard
            crossdomain_media_zone media:64k;
            add_header X-Expires "\$crossdomain_media_expires" always;
        }
        location = /metrics { crossdomain_media_metrics; }
        location /kept/ {
            $guard
            alias $dir/html/media/;
            expires 1d;
            crossdomain_media_cache_control on;
        }
        location /counted/ {
            $guard
            alias $dir/html/media/;
            crossdomain_media_loop_guard 3;
        }
        location /mapped/ {
            crossdomain_media \$mapped;
            alias $dir/html/media/;
        }
        location /told/ {
            crossdomain_media https://www.example.com/renew?next=\$crossdomain_media_return_url;
            alias $dir/html/media/;
        }
        location /named/ {
            $guard
            alias $dir/html/media/;
            crossdomain_media_on missing expired invalid \@application;
        }
        location /paged/ {
            $guard
            alias $dir/html/media/;
            error_page 403 500 /open/a.txt;
        }
        location /any/ {
            $guard
            alias $dir/html/media/;
            satisfy any;
            deny all;
        }
        location /passed/ {
            $guard
            crossdomain_media_token arg:token cookie:media header:Authorization;
            proxy_pass http://unix:$dir/upstream.sock:/;
        }
        location /scripts/ {
            $guard
            alias $dir/html/media/;
            crossdomain_media_cors https://www.example.com;
        }
        location /session/ {
            crossdomain_media_session_arg session cookie=sessionid methods=POST,GET insecure;
            proxy_pass http://unix:$dir/upstream.sock:/;
        }
        location /jwt/ {
            $guard
            alias $dir/html/media/;
            crossdomain_media_key $jwt/hs.key format=jwt;
            crossdomain_media_key $jwt/rsa.pub.pem format=jwt;
            crossdomain_media_key $jwt/ec.pub.pem format=jwt;
            crossdomain_media_key $jwt/ed.pub.pem format=jwt;
            crossdomain_media_token arg:token header:Authorization;
        }
        location /cookie/ {
            $guard
            alias $dir/html/media/;
            crossdomain_media_key $jwt/hs.key format=jwt id=app;
            crossdomain_media_cookie media;
        }
        location /minted/ {
            $guard
            alias $dir/html/media/;
            crossdomain_media_key $jwt/hs.key format=jwt id=app;
            crossdomain_media_key $jwt/mint.key format=jwt use=mint;
            crossdomain_media_cookie media max_age=2h redirect;
        }
        location /cloudfront/ {
            $guard
            alias $dir/html/media/;
            crossdomain_media_key $jwt/rsa.pub.pem format=cloudfront id=KRSA;
            crossdomain_media_key $jwt/ec.pub.pem format=cloudfront id=KEC;
        }
        location \@application { return 200 "application\\n"; }
    }
    # A segment of the path is taken on a server's say.
    server {
        listen unix:$dir/path-$_.sock;
        server_name media.example.org;
        request_pool_size $_;
        root $dir/html;
        crossdomain_media_key $keys/main.key id=main;
        crossdomain_media_token path:~;
        location /media/ { $guard }
    }
SERVER

start(
    main => 'worker_rlimit_core 0;',
    http => <<"HTTP",
    log_format all '\$request|\$status|\$upstream_status|\$crossdomain_media_status|\$crossdomain_media_reason';
    access_log $dir/access.log all;
    proxy_set_header Host \$host;
    map \$crossdomain_media_return_url \$mapped { volatile; default https://www.example.com; "" off; }
    # What reached the upstream, so that its request has no business with pools that are too small.
    server {
        listen unix:$dir/upstream.sock;
        access_log $dir/upstream.log all;
        location / { return 200 "\$request_uri|\$http_cookie|\$http_authorization\\n"; }
    }
$servers
HTTP
    socket => "$dir/upstream.sock",
    env => { LD_PRELOAD => library('t/lib/faults.c'), FAULTS => "$dir/faults" },
);

my $open = "GET /open/a.txt HTTP/1.1\r\nHost: media.example.org\r\nConnection: close\r\n\r\n";
BAIL_OUT('no file, no tests: ' . log_text()) unless ask("$dir/$pools[0].sock", $open) =~ /\r\n\r\nopen\n\z/;

open my $faults, '+<:raw', "$dir/faults" or die "$dir/faults: $!";

sub put_faults {
    sysseek $faults, 0, 0;
    syswrite $faults, pack 'Q*', @_;
}

# How many allocations there were, how many have failed, who asked for the first of them, and where.
sub get_faults {
    sysseek $faults, 32, 0;
    sysread $faults, my $bytes, 8 * 27;
    my ($calls, $failed, $asked_by, @frames) = unpack 'Q*', $bytes;
    return ($calls, $failed, (qw(nginx module heap))[$asked_by], [ grep { $_ } @frames ]);
}

# One that is there to stay: the master starts another when one has died.
sub worker {
    my $end = time + 60;
    my $master = server_pid();
    while (time < $end) {
        open my $in, '<', "/proc/$master/task/$master/children" or die "children: $!";
        my @children = split ' ', <$in> // '';
        return $children[0] if @children == 1;
        sleep 0.005;
    }
    BAIL_OUT('no worker: ' . log_text());
}

# A response in comparable form: what says when it was made has no part in it.
sub comparable {
    my ($response) = @_;
    my ($head, $body) = split /\r\n\r\n/, $response, 2;
    return '' unless defined $head;
    $head =~ s/^(?:Date|Last-Modified|ETag): .*\r\n//mg;
    # Seconds that are left, and minted tokens with the second when they were made.
    $head =~ s/(max-age|Max-Age)=\d+/$1=N/g;
    $head =~ s/(__Secure-media=[^.]*)\.[^;]*/$1/g;
    # Counters go on counting.
    my $counted = ($body // '') =~ s/^(crossdomain_media_\w+\{.*\}) \d[\d.]*$/$1 N/mgr;
    $head =~ s/^Content-Length: .*\r\n//mg if $counted ne ($body // '');
    return "$head\r\n\r\n$counted";
}

my %outcomes;
# Where the worker ended, by case, and how often that was.
my %ended;
my $ends = 0;

# What came of a request whose allocation failed; and what is wrong with that, if anything.
sub outcome {
    my ($case, $usual, $response, $asked_by) = @_;
    return 'no answer', 'that must not be' unless defined $response;
    return 'the file', 'it must be refused' if $response =~ /\bprivate\n/ && $usual !~ /\bprivate\n/;
    return 'closed' unless length $response;
    my $comparable = comparable($response);
    # A pool's memory that the module does not get must not go unnoticed.
    return 'as usual', $asked_by eq 'module' ? 'as if nothing had happened' : undef if $comparable eq $usual;
    my ($status) = $response =~ m{\AHTTP/1\.1 (\d+) };
    return '500' if ($status // '') eq '500';
    # The status had been sent before.
    return 'cut short' if length $comparable && index($usual, $comparable) == 0;
    # For the library that verifies it is a signature that does not hold.
    return 'refused' if $asked_by eq 'heap' && ($status // '') eq '403';
    return 'otherwise' if $case->{or} && $response =~ $case->{or};
    return 'otherwise', "neither as usual nor 500: $response";
}

sub source_of {
    my (@frames) = @_;
    my @lines = `addr2line -C -f -i -e $module @{[ map { sprintf '%x', $_ } @frames ]} 2>$dir/addr2line`;
    return join '', @lines;
}

# Lets the allocations of a request fail: each alone, or with all that follow.
sub try_case {
    my ($case) = @_;
    my ($name, $socket, $request, $status) = @$case{qw(name socket request status)};
    for my $mode ('one', 'all from') {
        my @wrong;
        my $tried = 0;
        for my $pool (@pools) {
            my $at = $socket ? "$socket-$pool" : $pool;
            my $usual = comparable(ask("$dir/$at.sock", $request) // '');
            BAIL_OUT("$name: not $status: $usual\n" . log_text()) unless $usual =~ m{\AHTTP/1\.1 $status };
            # With what the module takes from the heap, once: that has nothing to do with the pool.
            my $spares_heap = $case->{spares_heap} || $mode ne 'one' || $pool != $pools[0] ? 1 : 0;
            for (my $number = 1; @wrong < 3; $number++) {
                my $worker = worker();
                put_faults($worker, $number, $mode eq 'one' ? $number : 2**62, $spares_heap, (0) x 27);
                my $response = ask("$dir/$at.sock", $request);
                put_faults(0);
                my (undef, $failed, $asked_by, $frames) = get_faults();
                unless ($failed) {
                    push @wrong, "not as usual without a fault: $response" if comparable($response // '') ne $usual;
                    last;
                }
                $tried++;
                my ($outcome, $wrong) = outcome($case, $usual, $response, $asked_by);
                if ($outcome eq 'closed' && $asked_by eq 'heap') {
                    # Rust ends the process.
                    my $end = time + 60;
                    sleep 0.005 while worker() == $worker && time < $end;
                    $wrong = 'nothing came, but the worker lives' if worker() == $worker;
                    $outcome = 'worker ended';
                    $ended{$name}{"@$frames"}++;
                    $ends++;
                }
                $outcomes{$asked_by}{$outcome}++;
                push @wrong, "pool of $pool, $mode allocation $number, of $asked_by: $outcome, $wrong\n" . source_of(@$frames)
                    if defined $wrong;
                my $next = ask("$dir/$at.sock", $request) // 'no answer';
                push @wrong, "pool of $pool, $mode allocation $number: then not as usual: $next"
                    if comparable($next) ne $usual;
            }
        }
        cmp_ok $tried, '>=', 5 * @pools, "$name: $mode allocation: there are enough";
        is @wrong, 0, "$name: $mode allocation: never other than it may" or diag join "\n", @wrong;
    }
    is !!$ended{$name}, !!$case->{ends}, $case->{ends} ? "$name: the worker ends" : "$name: no worker ends";
}

my $signed = sub { signed("/$_[0]/a.txt", key => 'main.key', at => $_[1] // 0) };
my $hs = sub { "/$_[0]/a.txt?token=" . jwt({ path => "/$_[0]/*", sub => 'alice' }, alg => $_[1] // 'HS256') };
my $forged = $signed->('media') . 'x';

sub get_request {
    my ($target, @headers) = @_;
    return raw_get($target, @headers) =~ s/Host: localhost/Host: media.example.org/r;
}

# Of the server behind, which is the same process.
my $gateway = qr{\AHTTP/1\.1 502 };

# For nginx a variable that cannot be evaluated is an empty one.
my $unsaid = qr{\AHTTP/1\.1 200 (?!.*^X-Expires).*^Referrer-Policy: no-referrer\r\n}ms;

# Where a case `ends` the worker, the module takes memory past nginx's pools, and there Rust ends the process.
my @cases = (
    [ 'an unguarded file',           200, '/open/a.txt' ],
    [ 'a grant',                     200, $signed->('media'), { or => $unsaid } ],
    [ 'a future grant, logged',      200, $signed->('media', 3600), { or => $unsaid } ],
    [ 'a refusal',                   403, $forged ],
    [ 'a malformed token',           403, '/media/a.txt?token=x' ],
    [ 'a redirect',                  302, '/media/a.txt?a=1' ],
    [ 'a redirect after expiry',     302, $signed->('media', -3600) ],
    [ 'a redirect, variable URL',    302, '/told/a.txt?a=1' ],
    [ 'a redirect, variable guard',  302, '/mapped/a.txt?a=1' ],
    [ 'a redirect that is counted',  302, '/counted/a.txt' ],
    [ 'a grant that ends a count',   200, $signed->('counted'), 'Cookie: crossdomain_media_loop=2-14' ],
    [ 'the counters',                200, '/metrics' ],
    [ 'a capped grant',              200, $signed->('kept') ],
    [ 'a grant, satisfy any',        200, $signed->('any') ],
    [ 'a refusal, satisfy any',      403, $signed->('any') . 'x' ],
    [ 'a named location',            200, '/named/a.txt?token=x' ],
    [ 'a page for the refusal',      403, $signed->('paged') . 'x' ],
    [ 'a token in the path',         200, '/media/~' . percent(token('/media/a.txt')) . '/a.txt', { socket => 'path' } ],
    [ 'a forged one in the path',    403, '/media/~1:x/a.txt', { socket => 'path' } ],
    [ 'passed on, stripped of the query', 200, $signed->('passed') . '&a=1', { or => $gateway } ],
    [ 'passed on, stripped of a cookie',  200, '/passed/a.txt', 'Cookie: a=1; media=' . token('/passed/a.txt'), { or => $gateway } ],
    [ 'passed on, stripped of a header',  200, '/passed/a.txt', 'Authorization: Bearer ' . token('/passed/a.txt'), { or => $gateway } ],
    [ 'a preflight',                 204, '/scripts/a.txt', 'Origin: https://www.example.com',
        'Access-Control-Request-Method: GET', 'Access-Control-Request-Headers: range', { method => 'OPTIONS' } ],
    [ 'a preflight of another site', 403, '/scripts/a.txt', 'Origin: https://www.example.net',
        'Access-Control-Request-Method: GET', { method => 'OPTIONS' } ],
    [ 'what a script is told',       401, '/scripts/a.txt', 'Origin: https://www.example.com', 'Sec-Fetch-Mode: cors' ],
    [ 'a grant to a script',         200, $signed->('scripts'), 'Origin: https://www.example.com' ],
    [ 'a session',                   200, '/session/a?session=abc&a=1', { or => $gateway } ],
    [ 'a session beside cookies',    200, '/session/a?session=abc', 'Cookie: a=1', { or => $gateway } ],
    [ 'a grant by JWT',              200, $hs->('jwt') ],
    [ 'a grant by JWT, RS256',       200, $hs->('jwt', 'RS256') ],
    [ 'a grant by JWT, ES256',       200, $hs->('jwt', 'ES256') ],
    [ 'a grant by JWT, EdDSA',       200, $hs->('jwt', 'EdDSA') ],
    [ 'a refusal of a JWT',          403, $hs->('jwt') . 'A' ],
    [ 'a JWT with escapes',          200, '/jwt/a.txt?token=' . jwt('{"path":"/jwt/\\u0061.txt","sub":"\\u0061","exp":4000000000}'), { ends => 1 } ],
    [ 'a forged JWT with escapes',   403, '/jwt/a.txt?token=' . jwt({}, header => '{"alg":"HS256","kid":"\\u0061"}', signature => 'x' x 32), { ends => 1 } ],
    [ 'a JWT with a pattern',        200, '/jwt/a.txt?token=' . jwt({ cdniuc => 'regex:https://media[.]example[.]org/jwt/.*' }), { spares_heap => 1 } ],
    [ 'a hand-over',                 200, $hs->('cookie'), { ends => 1 } ],
    [ 'a hand-over of our own',      200, $hs->('minted'), { ends => 1 } ],
    [ 'a hand-over that redirects',  302, $hs->('minted'), 'Sec-Fetch-Mode: navigate', { ends => 1 } ],
    [ 'a grant by a cookie of ours', 200, '/minted/a.txt', 'Cookie: __Secure-media=' . minted({ path => '/minted/', by => 'app' }), { ends => 1 } ],
    [ 'a CloudFront URL',            200, cf_url('/cloudfront/a.txt') ],
    [ 'a CloudFront URL, ECDSA',     200, cf_url('/cloudfront/a.txt', key => 'ec') ],
    [ 'a CloudFront URL with a policy', 200, cf_url('/cloudfront/a.txt', resource => '/cloudfront/*'), { ends => 1 } ],
    [ 'CloudFront cookies',          200, '/cloudfront/a.txt', 'Cookie: ' . cf_cookies('/cloudfront/a.txt', resource => '/cloudfront/*'), { ends => 1 } ],
    [ 'another CloudFront URL',      403, cf_url('/cloudfront/b.txt') =~ s/b\.txt/a.txt/r ],
);
for (@cases) {
    my ($name, $status, $target, @headers) = @$_;
    my %more = ref $headers[-1] ? %{ pop @headers } : ();
    my $request = get_request($target, @headers);
    $request =~ s/\AGET/$more{method}/ if $more{method};
    try_case({ name => $name, status => $status, request => $request, %more });
}

stop();
cmp_ok $outcomes{module}{500} // 0, '>=', 100, 'the module was tried';
cmp_ok $outcomes{nginx}{closed} // 0, '>=', 100, 'nginx was tried';
my @alarms = grep { /\[alert\]|Sanitizer|panicked|runtime error/ } split /\n/, log_text();
my @ends = grep { /exited on signal 6\b/ } @alarms;
is @ends, $ends, 'no worker ended but those that Rust has ended';
is @alarms, $ends, 'no other alarm in the log' or diag join "\n", grep { !/exited on signal 6\b/ } @alarms;
unlike log_text('upstream.log'), qr/token=|media=|Bearer|session=/, 'no credential came through';
if ($ENV{FAULTS_PLACES}) {
    for my $name (sort keys %ended) {
        diag "== $name";
        diag source_of(split / /) for sort keys %{ $ended{$name} };
    }
}
done_testing;
