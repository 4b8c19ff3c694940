# Every vector that the reference implementations made, over HTTP, at the second at which it was made.
# nginx's clock is libfaketime's, which Test::Nginx does not know of, so this suite runs a server of its own.
use v5.20;
use warnings;

use JSON::PP ();
use POSIX qw(ceil strftime);
use Test::More;

use lib 't/lib';
use Media;
use Jwt;
use CloudFront;
use Server;

$ENV{TEST_NGINX_FAKETIME} or plan skip_all => 'no libfaketime';

my $dir = folder();

sub vectors {
    my ($name) = @_;
    open my $in, '<:raw', "media-token/tests/it/vectors/$name.json" or die "$name: $!";
    local $/;
    return JSON::PP::decode_json(<$in>);
}

# A file for each key, once.
sub key_file {
    my ($text) = @_;
    state %names;
    utf8::encode($text) if utf8::is_utf8($text);
    my $name = $names{$text} //= 'key' . keys %names;
    write_file($name, $text) unless -e "$dir/$name";
    return $name;
}

# A plain JWT names what it covers in "sub".
sub jwt_policy {
    my ($vector, $pem_files) = @_;
    my $keys = $vector->{keys};
    my $leeway = $vector->{options}{leeway} // 0;
    if ($vector->{format} eq 'jwt') {
        my $file = key_file($pem_files->{ $keys->{key} } // $keys->{key});
        return "crossdomain_media_token arg:token; crossdomain_media_leeway ${leeway}s;"
            . " crossdomain_media_key $file format=jwt path_claim=sub alg=$keys->{alg};";
    }
    die "$vector->{id}: unknown format" if $vector->{format} ne 'rfc9246-cdni';
    # Some vectors are of tokens that no key has to be known for.
    my $secret = $keys->{'k (base64url)'} // 'A' x 43;
    my $jwk = { kty => 'oct', alg => 'HS256', k => $secret, kid => $keys->{kid} // 'none' };
    my $file = key_file(JSON::PP->new->canonical->encode($jwk));
    return "crossdomain_media_token arg:URISigningPackage; crossdomain_media_leeway ${leeway}s;"
        . " crossdomain_media_key $file format=jwt;";
}

# As the application of each vector spells paths, and as its version of Django hashes.
sub django_policy {
    my ($vector) = @_;
    my $form = $vector->{url} =~ m{example\.org/raw/} ? ' path=decoded'
        : $vector->{url} =~ m{example\.org/stor/} ? ' path=storage' : '';
    my $signs = $vector->{id} =~ m{/dir-} ? ' signs=parent' : '';
    my $version = $vector->{django};
    my @algorithms = $version =~ /^(?:2\.|3\.0)/ ? 'sha1' : $version =~ /^3\./ ? qw(sha256 sha1) : 'sha256';
    my @keys;
    for my $secret ($vector->{keys}{SECRET_KEY}, @{ $vector->{keys}{SECRET_KEY_FALLBACKS} // [] }) {
        my $file = key_file($secret);
        push @keys, map { "crossdomain_media_key $file alg=$_$form$signs;" } @algorithms;
    }
    return "crossdomain_media_token arg:token; crossdomain_media_max_age $vector->{max_age}s; @keys";
}

# All that the signers' public keys verify, by their Key-Pair-Ids.
sub cloudfront_policy {
    my ($vector, $pem_files) = @_;
    my $keys = $vector->{keys};
    return join ' ', map {
        my $file = key_file($pem_files->{ $keys->{$_} } // die "$vector->{id}: $keys->{$_}: no such key");
        "crossdomain_media_key $file format=cloudfront id=$_;"
    } sort keys %$keys;
}

my @tests;
my %server_of;

sub add {
    my ($vector, $policy) = @_;
    my ($origin, $host, $target) = $vector->{url} =~ m{\A(https?://([^/]+))(/.*)\z}s or die "$vector->{id}: no URL";
    utf8::encode($target);
    my $cookies = $vector->{cookies} // {};
    my $settings = "crossdomain_media_public_url $origin; $policy";
    my $server = $server_of{$settings} //= 's' . keys %server_of;
    push @tests, {
        id => $vector->{id}, target => $target, host => $host, socket => "$dir/$server",
        verdict => $vector->{recommended_module_verdict} // $vector->{expect},
        # One has a fraction, which nginx's clock has not.
        now => ceil($vector->{now}),
        headers => join '', map { "$_\r\n" }
            ($vector->{client_ip} ? "X-Real-IP: $vector->{client_ip}" : ()),
            (%$cookies ? 'Cookie: ' . join '; ', map { "$_=$cookies->{$_}" } sort keys %$cookies : ()),
    };
}

my $jwt = vectors('jwt');
add($_, jwt_policy($_, $jwt->{test_keys_pem})) for @{ $jwt->{vectors} };
my $django = vectors('django');
add($_, django_policy($_)) for @{ $django->{vectors} };
my $cloudfront = vectors('cloudfront');
add($_, cloudfront_policy($_, $cloudfront->{test_keys_pem})) for @{ $cloudfront->{vectors} };
is scalar @tests, 32 + 151 + 77, 'all vectors are here';

# What the references do not say: where tokens begin and end to the second, with both formats and with leeway.
my $edge = 1_700_000_000;
my $both = 'crossdomain_media_key ' . key_file(key_text('hs.key')) . ' format=jwt; crossdomain_media_key '
    . key_file(secret('main.key')) . ' max_future=30s; crossdomain_media_token arg:token;';
for my $leeway (0, 10) {
    for my $case (
        [ 'its last second', { exp => $edge + 1 - $leeway }, 'ok' ],
        [ 'its end', { exp => $edge - $leeway }, 'expired' ],
        [ 'its end, with a fraction', { exp => $edge - $leeway + 0.9 }, 'expired' ],
        [ 'its beginning', { nbf => $edge, exp => $edge + 9 }, 'ok' ],
        [ 'a second before its beginning', { nbf => $edge + 1, exp => $edge + 9 }, 'ok' ],
        [ 'two seconds before its beginning', { nbf => $edge + 2, exp => $edge + 9 }, 'bad' ],
    ) {
        my ($what, $claims, $verdict) = @$case;
        my $token = jwt({ path => '/a', %$claims });
        add({ id => "JWT, $what, leeway $leeway", now => $edge, expect => $verdict, url => "https://media.example.org/a?token=$token" },
            "$both crossdomain_media_max_age 120s; crossdomain_media_leeway ${leeway}s;");
    }
    for my $case ([ 120 + $leeway, 'ok' ], [ 121 + $leeway, 'expired' ], [ -31, 'ok' ], [ -32, 'bad' ]) {
        my ($age, $verdict) = @$case;
        my $token = percent(token('/a', born => base62($edge - $age)));
        add({ id => "Django, of $age seconds, leeway $leeway", now => $edge, expect => $verdict, url => "https://media.example.org/a?token=$token" },
            "$both crossdomain_media_max_age 120s; crossdomain_media_leeway ${leeway}s;");
    }
}

# The same of CloudFront's: the end with leeway, the beginning with the one second that nginx's clock is behind.
key_pair('rsa');
my $rsa = 'crossdomain_media_key ' . key_file(key_text('rsa.pub.pem')) . ' format=cloudfront id=KRSA;';
for my $leeway (0, 10) {
    for my $case (
        [ 'its last second', { end => $edge + 1 - $leeway }, 'ok' ],
        [ 'its end', { end => $edge - $leeway }, 'expired' ],
        [ 'a second before its beginning', { start => $edge + 1, end => $edge + 9 }, 'bad' ],
        [ 'the second before it has begun, which is tolerated', { start => $edge, end => $edge + 9 }, 'ok' ],
        [ 'its first second', { start => $edge - 1, end => $edge + 9 }, 'ok' ],
        [ 'its end before its beginning', { start => $edge + 9, end => $edge - $leeway }, 'expired' ],
    ) {
        my ($what, $times, $verdict) = @$case;
        for my $resource (exists $times->{start} ? () : {}, { resource => '/*' }) {
            my $kind = %$resource ? 'custom' : 'canned';
            my %opt = (%$times, %$resource);
            my $vector = { id => "CloudFront, $kind, $what, leeway $leeway", now => $edge, expect => $verdict };
            my $settings = "$rsa crossdomain_media_leeway ${leeway}s;";
            add({ %$vector, url => 'https://media.example.org' . cf_url('/a', %opt) }, $settings);
            my %cookies = map { ("CloudFront-$_->[0]" => $_->[1]) } cf_parameters('/a', %opt);
            add({ %$vector, id => "$vector->{id}, cookies", url => 'https://media.example.org/a', cookies => \%cookies }, $settings);
        }
    }
}

my $servers = join "\n", map { <<"SERVER" } sort keys %server_of;
    server {
        listen unix:$dir/$server_of{$_};
        $_
        location / {
            crossdomain_media https://www.example.com;
            add_header X-Verdict \$crossdomain_media_status always;
            add_header X-Reason \$crossdomain_media_reason always;
            # There whatever the path is.
            proxy_pass http://unix:$dir/up;
        }
    }
SERVER
# What the clock says until the next call.
sub set_clock {
    my ($now) = @_;
    write_file(clock => strftime("%Y-%m-%d %H:%M:%S\n", gmtime $now));
}

set_clock(1_700_000_000);
start(
    http => <<"HTTP",
    access_log off;
    # Whom each vector is for.
    set_real_ip_from unix:;
    real_ip_header X-Real-IP;
$servers
    server { listen unix:$dir/up; location / { return 200 "private\\n"; } }
HTTP
    socket => "$dir/up",
    env => frozen(FAKETIME_TIMESTAMP_FILE => "$dir/clock", FAKETIME_NO_CACHE => 1),
);

sub get {
    my ($test) = @_;
    my $request = "GET $test->{target} HTTP/1.1\r\nHost: $test->{host}\r\n$test->{headers}Connection: close\r\n\r\n";
    return ask($test->{socket}, $request) // 'no answer';
}

my %answers = (
    ok => [ 200, 'granted' ], missing => [ 302, 'missing' ], expired => [ 302, 'expired' ], bad => [ 403, 'invalid' ],
);
my $now = 0;
my @refused_by_nginx;
for my $test (sort { $a->{now} <=> $b->{now} } @tests) {
    set_clock($now = $test->{now}) if $test->{now} != $now;
    my ($status, $verdict) = @{ $answers{ $test->{verdict} } // die "$test->{id}: unknown verdict" };
    # nginx itself refuses a path with a percent sign that begins no escape.
    if ($test->{target} =~ m{\A[^?]*%(?![0-9A-Fa-f]{2})}) {
        ($status, $verdict) = (400, '');
        push @refused_by_nginx, $test->{id};
    }
    my ($head, $body) = split /\r\n\r\n/, get($test), 2;
    my $header = sub { $head =~ /^$_[0]: ([^\r]*)/m ? $1 : '' };
    my $code = $head =~ m{\AHTTP/1\.1 (\d+)} ? $1 : $head;
    my $at = strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime $now);
    is_deeply [ $code, $header->('X-Verdict'), $header->('Date'), ($body // '') eq "private\n" ? 'served' : 'withheld' ],
        [ $status, $verdict, $at, $status == 200 ? 'served' : 'withheld' ],
        "$test->{id}: " . ($verdict || $status)
        or diag("$test->{target}: ", $header->('X-Reason'));
}

# None of CloudFront's.
is_deeply [ sort @refused_by_nginx ], [ map { "$_/iri-percent" } qw(dj4.2.24 dj5.2.7) ], 'all others reach the guard';

stop();
unlike log_text(), qr/\[alert\]|\[emerg\]|Sanitizer|panicked|exited on signal/, 'no alarm in the log';
done_testing();
