/**
 * Whether a password is among the most common: a word or name, a keyboard row or a sequence, in any case and
 * with any spaces, look-alike signs, and digits or signs around it, as in `P@ssw0rd2024!`. A longer password
 * that only contains such a word passes.
 */
export function isCommonPassword(password: string): boolean {
  const plain = password.toLowerCase().replace(/\s/g, "");
  return [plain, ...cores(plain)].some(
    (core) => words.has(core) || words.has(halved(core)) || isRun(core),
  );
}

/** The word between leading and trailing digits and signs: as written, and with look-alikes read as letters, without and with the end. */
function cores(plain: string): string[] {
  const withoutEnd = plain.replace(/[^a-z]{1,6}$/, "");
  return [plain, inLetters(withoutEnd), inLetters(plain)].map(
    (text) => /^[^a-z]{0,4}([a-z]+)[^a-z]{0,6}$/.exec(text)?.[1] ?? "",
  );
}

/** The forms in which a list of common passwords may contain a password: in lower case, also without up to four digits or signs at its end. */
export function variants(password: string): string[] {
  const plain = password.toLowerCase().replace(/\s/g, "");
  const endings = [1, 2, 3, 4].filter((length) => /^[^a-z]+$/.test(plain.slice(-length)));
  return [plain, ...endings.map((length) => plain.slice(0, -length))].filter(
    ({ length }) => length >= 8,
  );
}

const day = "(0[1-9]|[12]\\d|3[01])";
const month = "(0[1-9]|1[0-2])";
const year = "(19|20)\\d\\d";
const dates = new RegExp(`^(${day}${month}${year}|${month}${day}${year}|${year}${month}${day})$`);

/** A date of the years 1900 to 2099 in digits, with any signs between them. */
export const isDate = (password: string): boolean => dates.test(password.replace(/[\s./_-]/g, ""));

const letters = (text: string) =>
  text
    .normalize("NFC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, "");

/** Whether a password is the owner's email address or name, or a part of them, with at most four more letters or digits. */
export function isAboutOwner(
  password: string,
  { email, name }: { email: string; name: string },
): boolean {
  const plain = letters(password);
  const [local = ""] = email.split("@");
  return [email, local, name, ...name.split(/\s+/)]
    .map(letters)
    .some((own) => own.length >= 4 && plain.includes(own) && plain.length - own.length <= 4);
}

const inLetters = (text: string) => text.replace(/[@4301!$57]/g, (sign) => lookAlikes[sign]!);
const lookAlikes: Record<string, string> = {
  "@": "a",
  "4": "a",
  "3": "e",
  "0": "o",
  "1": "i",
  "!": "i",
  $: "s",
  "5": "s",
  "7": "t",
};

/** `passpass` is one word. */
const halved = (text: string) =>
  text.slice(0, text.length / 2).repeat(2) === text ? text.slice(0, text.length / 2) : text;

/** A short piece repeated, or a part of a sequence or keyboard row: forwards, backwards, or forwards and back. */
function isRun(text: string): boolean {
  if (text.length < 4) return false;
  if (/^(.{1,4})\1+.?$/.test(text)) return true;
  return sequences.some((sequence) => sequence.includes(text));
}

const rows = [
  "0123456789012345678901234567890",
  "abcdefghijklmnopqrstuvwxyz",
  "qwertyuiop[]",
  "asdfghjkl;'",
  "zxcvbnm,./",
  "qwertzuiop",
  "azertyuiop",
];
const walks = [
  "1q2w3e4r5t6y7u8i9o0p",
  "q1w2e3r4t5y6u7i8o9p0",
  "1qaz2wsx3edc4rfv5tgb6yhn",
  "qazwsxedcrfvtgbyhnujm",
  "zaq12wsxcde3",
  "!qaz@wsx#edc",
  "qweasdzxc",
  "qwertyasdfghzxcvbn",
  "asdfghjklzxcvbnm",
  "qwertyuiopasdfghjklzxcvbnm",
  "abcd1234567890",
  "abc1234567890",
  "a1b2c3d4e5f6g7h8",
  "123abcdefg",
  "1234abcdefg",
  "123qweasdzxc",
  "1234qwertyuiop",
  "12345qwertyuiop",
  "123456qwertyuiop",
  "123456789qwertyuiop",
  "qwe123456789",
  "qwer1234567890",
  "qwert1234567890",
  "qwerty1234567890",
  "asdf1234567890",
  "asd1234567890",
  "zxc1234567890",
  "zxcv1234567890",
  "1234567890-=",
  "147258369",
  "741852963",
  "159753258456",
  "789456123",
  "987654321",
  "112233445566778899",
  "11112222333344445555",
  "111222333444555",
];
const reversed = (text: string) => [...text].reverse().join("");
const sequences = [...rows, ...walks].flatMap((row) => [row, reversed(row), row + reversed(row)]);

/** Words, names and phrases from the published lists of common passwords, of any length: endings bring them to eight characters. */
const words = new Set(
  `
  password passwort passwd passw pass passe motdepasse contrasena contrasenha senha parola wachtwoord haslo heslo salasana losenord
  sifre passphrase mypassword thepassword newpassword yourpassword passwordpassword nopassword wordpass drowssap passkey passme admin
  administrator administrador adminadmin root rootroot toor superuser user username guest test testing tester testtest demo login
  letmein letmeinnow letmeout welcome welcometo welkom willkommen bienvenue changeme changeit changethis change default temp temporary
  secret secrets mysecret topsecret supersecret private access accessgranted entry enter opensesame sesame openup qwerty qwert qwertz
  azerty qwer asdf asdfgh asdfghjk zxcv zxcvbn qaz qazwsx qwe asd zxc abc abcd abcdef aaa hello hellothere helloworld goodbye hallo hola
  bonjour iloveyou iloveu ilovey iloveme iloveyoubaby ilovejesus loveyou loveme lovely love loveforever lovelove mylove truelove lover
  loverboy lovers amor teamo teamomucho mahalkita jetaime sunshine princess princesa prinzessin football soccer baseball basketball
  softball volleyball hockey tennis golf golfer rugby cricket master superman batman spiderman ironman wolverine hulk joker robin
  starwars startrek jedi yoda skywalker vader darthvader matrix pokemon pikachu naruto sasuke dragon dragonball dragons dragonfly monkey
  monkeys shadow shadows michael michelle jennifer jessica ashley amanda daniel daniela andrew joshua jordan matthew robert thomas
  william richard charles george david james johnny john joseph anthony brandon justin austin taylor tyler ryan kevin brian steven
  stephen patrick nicholas nicole natalie samantha elizabeth stephanie victoria veronica vanessa melissa rebecca rachel sarah laura
  maria marina martina mercedes andrea angela angelina angelica angels angel barbara beatriz brittany caroline catherine charlie
  charlotte chelsea christian christina christine christopher claudia cristina danielle diana dominic edward emily eminem fernando
  florence francesco francis frank frederic gabriel gabriela garfield gloria hannah isabella isabelle jackson jasmine jeremy joanna
  jonathan juliana julian karina katherine kimberly lauren leonardo lorenzo louise madison margaret mariana martin maxwell miguel monica
  morgan nathan nathalie oliver olivia pamela patricia peter philip rodrigo ronaldo sabrina samuel sandra santiago sebastian simone
  sophie sylvia teresa tiffany valentin valentina valeria vincent virginia alexander alexandra alexandre alejandro alejandra alberto
  antonio carlos eduardo enrique francisco giovanni guillermo ricardo roberto rolando salvador liverpool arsenal chelseafc manchester
  manutd manunited barcelona realmadrid juventus milan inter ajax benfica celtic rangers everton tottenham spurs lakers yankees redsox
  cowboys steelers packers eagles raiders patriots broncos dolphins giants computer internet samsung samsunggalaxy iphone google
  facebook twitter instagram youtube microsoft windows apple android nokia linkedin myspace yahoo gmail hotmail skype minecraft fortnite
  roblox counterstrike playstation nintendo xbox gamer gaming callofduty whatever whatsup nothing something anything everything trustno
  trustnoone nobody noone somebody freedom liberty america american england scotland ireland australia canada germany deutschland france
  espana italia brasil mexico russia london paris berlin madrid newyork chicago boston dallas houston denver phoenix orlando lasvegas
  california texas florida carolina indiana montana africa mustang corvette camaro ferrari porsche lamborghini mercedesbenz toyota honda
  chevrolet chevy harley harleydavidson yamaha suzuki kawasaki ducati cadillac butterfly flower flowers sunflower roses rainbow
  chocolate strawberry banana orange cherry apples cookie cookies cheese pepper ginger peanut pumpkin popcorn snickers sweety sweetie
  sweetheart honey babygirl babyboy babyblue mybaby purple yellow silver golden diamond diamonds crystal emerald blue green black white
  summer winter spring autumn january february march april june july august september october november december monday tuesday wednesday
  thursday friday saturday sunday christmas halloween easter birthday tigger tiger tigers panther cheetah lion eagle falcon wolf wolves
  puppy kitty kitten doggie hunter hunting fishing buster buddy bailey maggie molly sparky rocky lucky smokey scooter snoopy mickey
  mickeymouse minnie donald daisy stitch simba bella max jesus jesuschrist christ jesusislord jesuslovesme godisgood godislove blessed
  blessing heaven faith forever prayer church metallica slipknot nirvana linkinpark ironmaiden acdc greenday blink rockstar rocknroll
  guitar musica music dancer dancing killer killers ninja samurai warrior warriors soldier sniper assassin vampire zombie phantom ghost
  demon devil hellfire maverick merlin gandalf hobbit frodo aragorn legolas potter harrypotter hogwarts hermione voldemort zelda mario
  sonic asshole fuckyou bullshit sexy money moneymoney dollar dollars million millionaire business company office manager service
  support system server network security secure safety oracle mysql postgres database backup cisco linux ubuntu debian raspberry
  marketplace market souk soukmarket shop shopping seller buyer family friend friends bestfriend friendship mother father mommy daddy
  sister brother grandma children together beautiful wonderful fantastic awesome amazing perfect excellent happy happiness smile smiley
  cutie queen king student teacher school college university doctor nurse engineer thunder lightning storm hurricane tornado blizzard
  volcano galaxy universe maganda mahal pogi bestfriends qwertyui qwertyuiop asdfasdf poiuytrewq lkjhgfdsa mnbvcxz jordanjordan blahblah
  dontknow forgotten remember changed
  `
    .trim()
    .split(/\s+/),
);
