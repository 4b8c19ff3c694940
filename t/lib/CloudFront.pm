package CloudFront;

# URLs and cookies signed as for CloudFront, by the rules that its signers follow, and as none would sign them.
# The key pairs are those of Jwt.pm: $TEST_NGINX_JWT_DIR/rsa.pub.pem

use v5.20;
use warnings;

use Exporter qw(import);
use MIME::Base64 qw(encode_base64);

use Jwt qw(key_pair);

our @EXPORT = qw(cf64 cf_policy cf_parameters cf_query cf_url cf_cookies);

# Once for all, so that what is asked for twice is signed once.
our $Start = time;

# Scheme and host that are signed, unless a call names others.
our $Site = 'https://media.example.org';

# Key-Pair-Ids, by the name of the pair.
our %Id = (rsa => 'KRSA', rsa2 => 'KOTHER', ec => 'KEC');

# The filter `eval` of a block's section runs in this package.
{
    no strict 'refs';
    *{"Test::Base::Filter::$_"} = \&$_ for @EXPORT;
}

# Base64 with the three letters that a URL can hold.
sub cf64 { return encode_base64($_[0], '') =~ tr{+=/}{-_~}r }

sub signature {
    my ($text, $key, $hash) = @_;
    state %made;
    return $made{$key, $hash, $text} //= do {
        my $private = key_pair($key);
        my $file = "$ENV{TEST_NGINX_JWT_DIR}/text";
        open my $out, '>:raw', $file or die "$file: $!";
        print {$out} $text;
        close $out or die "$file: $!";
        Jwt::run("openssl dgst -\L$hash\E -sign $private -binary $file");
    };
}

# A policy for a resource, undefined for none, byte for byte as botocore writes it. Without more, a canned one.
# Options: end and start (Unix time), from (address or network).
sub cf_policy {
    my ($resource, %opt) = @_;
    my $end = $opt{end} // $Start + 3600;
    my @conditions = qq("DateLessThan":{"AWS:EpochTime":$end});
    push @conditions, qq("IpAddress":{"AWS:SourceIp":"$opt{from}"}) if defined $opt{from};
    push @conditions, qq("DateGreaterThan":{"AWS:EpochTime":$opt{start}}) if defined $opt{start};
    my $covers = defined $resource ? qq("Resource":"$resource",) : '';
    return '{"Statement":[{' . $covers . '"Condition":{' . join(',', @conditions) . '}}]}';
}

# Names and values that sign a target, in botocore's order. Options: those of a policy;
# resource (of a custom policy; a path is one of the site), policy (a custom one as it stands),
# key (a pair's name), id (instead of its own), hash (SHA1, SHA256), site,
# with (values to put in place of others, in place of nothing, or undefined to leave one out).
sub cf_parameters {
    my ($target, %opt) = @_;
    my ($key, $hash, $site) = ($opt{key} // 'rsa', $opt{hash} // 'SHA1', $opt{site} // $Site);
    my $is_custom = grep { exists $opt{$_} } qw(resource policy from start);
    my $resource = exists $opt{resource} ? $opt{resource} : $target;
    $resource = "$site$resource" if defined $resource && $resource =~ m{\A/};
    my $policy = $opt{policy} // cf_policy($resource, %opt);
    my %value = (
        $is_custom ? (Policy => cf64($policy)) : (Expires => $opt{end} // $Start + 3600),
        Signature => cf64(signature($policy, $key, $hash)),
        'Key-Pair-Id' => $opt{id} // $Id{$key},
        $hash eq 'SHA1' ? () : ('Hash-Algorithm' => $hash),
        %{ $opt{with} // {} },
    );
    return map { defined $value{$_} ? [ $_ => $value{$_} ] : () } qw(Expires Policy Signature Key-Pair-Id Hash-Algorithm);
}

sub cf_query { return join '&', map { join '=', @$_ } cf_parameters(@_) }

# A signed target, ready for a request line.
sub cf_url { my ($target) = @_; return $target . ($target =~ /\?/ ? '&' : '?') . cf_query(@_) }

# What a Cookie line holds.
sub cf_cookies { return join '; ', map { "CloudFront-$_->[0]=$_->[1]" } cf_parameters(@_) }

1;
