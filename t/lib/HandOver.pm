package HandOver;

# Tokens that the module makes itself for its cookies, as it makes them and as it never would, and what a Set-Cookie
# with one says in words. The minting key is $TEST_NGINX_JWT_DIR/mint.key

use v5.20;
use warnings;

use Digest::SHA qw(hmac_sha256);
use Exporter qw(import);
use JSON::PP ();
use MIME::Base64 qw(decode_base64url encode_base64url);

use Jwt qw(key_text write_key);

our @EXPORT = qw(minted told);

# Once for all, so that what is made in two places is the same.
our $Start = time;

# The life of minted tokens in the configurations that are tested, in seconds.
our $Life = 7200;

# The site that they are for, unless a token names another.
our $Site = 'https://media.example.org';

# Byte for byte: no other spelling of it is read.
our $Header = '{"alg":"HS256","typ":"crossdomain-media+jwt"}';

write_key('mint.key', 'the secret of the media site alone, longer than its hash');
write_key('mint2.key', 'another secret of the media site alone, longer than its hash');

# The filter `eval` of a block's section runs in this package.
{
    no strict 'refs';
    *{"Test::Base::Filter::$_"} = \&$_ for @EXPORT;
}

# A token for /media/ that the key "app" vouches for, that began at the start of the suite and ends in two hours, its whole life. Claims that are undefined are left out.
# Options: cookie and site (of the audience), header, key (a file), json (claims as they stand), signature (as it stands).
sub minted {
    my ($claims, %opt) = @_;
    my $cookie = $opt{cookie} // '__Secure-media';
    my $site = $opt{site} // $Site;
    my %claims = (aud => "$cookie $site", exp => $Start + $Life, iat => $Start, path => '/media/', by => 'app', %{ $claims // {} });
    delete @claims{ grep { !defined $claims{$_} } keys %claims };
    my $json = $opt{json} // JSON::PP->new->canonical->encode(\%claims);
    my $message = join '.', map { encode_base64url($_) } $opt{header} // $Header, $json;
    return "$message." . ($opt{signature} // encode_base64url(hmac_sha256($message, key_text($opt{key} // 'mint.key'))));
}

# A Set-Cookie with a minted token in words: header and claims decoded, and times as seconds from NOW, when it was made,
# or from START, when the suite was. What is wrong with it is said instead.
sub told {
    my ($text) = @_;
    my ($name, $message, $signature, $rest) = $text =~ /\A([^=]+)=([^.;]+\.[^.;]+)\.([^.;]+)(;.*)\z/s
        or return "no minted token: $text";
    return 'another signature' if $signature ne encode_base64url(hmac_sha256($message, key_text('mint.key')));
    my ($header, $claims) = map { decode_base64url($_) } split /\./, $message;
    my ($left) = $rest =~ /; Max-Age=([0-9]+);/ or return "no Max-Age: $rest";
    my ($end, $began) = map { $claims =~ /"$_":([0-9]+)/ ? $1 : return "no $_: $claims" } qw(exp iat);
    my $now = $end - $left;
    return "not made now, but at $now" if abs($now - time) > 1800;
    # A whole life, or what is left until the deadline.
    my $until = $left == $Life ? "NOW+$left" : sprintf 'START%+d', $end - $Start;
    my $since = $began == $now ? 'NOW' : sprintf 'START%+d', $began - $Start;
    $claims =~ s/"exp":[0-9]+/"exp":$until/;
    $claims =~ s/"iat":[0-9]+/"iat":$since/;
    $rest =~ s/Max-Age=[0-9]+/Max-Age=LEFT/ if $left != $Life;
    return "$name=$header.$claims$rest";
}

1;
