//! Pictures of the products, drawn here as inline SVG so that a page needs no other file. They take no text
//! from outside, so nothing in them has to be escaped.

/// The picture of an item, 240 by 160; a parcel for one that we do not know.
pub(super) fn of(item: &str) -> String {
    let (wall, floor, things) = match item {
        "coat-hooks" => ("#dfe7e2", "#b9a58a", coat_hooks()),
        "doormat" => ("#e9dccb", "#c3b199", doormat()),
        "lantern" => ("#2f3e46", "#24313a", lantern()),
        "bench" => ("#e4e0ec", "#b8a78f", bench()),
        "mirror" => ("#d5e3ea", "#b9a58a", mirror()),
        "umbrella-stand" => ("#f0e2d2", "#bfa98c", umbrella_stand()),
        "key-bowl" => ("#e3e8d5", "#a98a66", key_bowl()),
        "boots" => ("#d8e4ef", "#b4a792", boots()),
        _ => ("#e6e2da", "#bdb09c", parcel()),
    };
    format!(
        "<svg class='picture' viewBox='0 0 240 160' stroke-linecap='round' aria-hidden='true'>\
         <path fill='{wall}' d='M0 0h240v160H0z'/><path fill='{floor}' d='M0 124h240v36H0z'/>\
         <path fill='#fff' opacity='.35' d='M0 118h240v6H0z'/>{things}</svg>"
    )
}

/// One shape for each number, in order.
fn row(numbers: impl IntoIterator<Item = i32>, shape: impl Fn(i32) -> String) -> String {
    numbers.into_iter().map(shape).collect()
}

fn coat_hooks() -> String {
    let hooks = row([64, 101, 138, 175], |x| {
        format!(
            "<path d='M{x} 46v14a7 7 0 0 0 14 0' fill='none' stroke='#2b2d2f' stroke-width='4'/>\
             <circle cx='{x}' cy='45' r='4' fill='#2b2d2f'/>"
        )
    });
    let fringe =
        row(0..5, |n| format!("<path d='M{} 116v8' stroke='#7d2f22' stroke-width='2'/>", 102 + n * 5));
    format!(
        "<rect x='44' y='36' width='152' height='20' rx='4' fill='#c89f6c'/>\
         <path d='M46 42h148M46 50h96' stroke='#b28755' stroke-width='1.5'/>{hooks}\
         <path d='M100 62h10l14 54h-24z' fill='#b4472f'/>\
         <path d='M103 76h9M103 92h14' stroke='#f2d7b6' stroke-width='5'/>{fringe}\
         <path d='M140 64c20-4 28 6 30 24l6 46h-42l-2-40c0-16 2-26 8-30z' fill='#335c67'/>\
         <path d='M153 66l-2 68' stroke='#274a53' stroke-width='2'/>"
    )
}

fn doormat() -> String {
    let bristles = row(0..19, |n| {
        let (top, foot) = (76 + n * 5, 50 + n * 8);
        format!("<path d='M{top} 106L{foot} 146' stroke='#8b6232' stroke-width='1.5'/>")
    });
    format!(
        "<path d='M78 20h84v104H78z' fill='#4f6d5b'/>\
         <path d='M88 32h28v34H88zM124 32h28v34h-28zM88 76h28v36H88zM124 76h28v36h-28z' fill='#456150'/>\
         <circle cx='154' cy='72' r='4' fill='#e3c278'/>\
         <path d='M70 104h100l28 44H42z' fill='#a97b42'/>{bristles}\
         <path d='M82 110h76l18 32H64z' fill='none' stroke='#5f3f1c' stroke-width='4'/>"
    )
}

fn lantern() -> String {
    let halos =
        row([58, 44, 32], |r| format!("<circle cx='120' cy='84' r='{r}' fill='#ffd98a' opacity='.16'/>"));
    format!(
        "<path d='M120 0v38' stroke='#0f1a20' stroke-width='3'/>{halos}\
         <path d='M98 56l22-18 22 18z' fill='#0f1a20'/>\
         <path d='M100 56h40l-5 52h-30z' fill='#ffe9b8'/>\
         <path d='M100 56h40l-5 52h-30zM120 56v52M102 82h36' fill='none' stroke='#0f1a20' stroke-width='3'/>\
         <path d='M120 76c8 8 8 18 0 22-8-4-8-14 0-22z' fill='#f2a33a'/>\
         <path d='M103 108h34v6h-34z' fill='#0f1a20'/>\
         <ellipse cx='120' cy='142' rx='52' ry='8' fill='#ffd98a' opacity='.18'/>"
    )
}

fn bench() -> String {
    let legs = row([56, 176], |x| format!("<path d='M{x} 92h8v46h-8z' fill='#8a5f36'/>"));
    let slats = row([118, 128], |y| format!("<path d='M60 {y}h120v5H60z' fill='#a87645'/>"));
    format!(
        "<ellipse cx='120' cy='139' rx='78' ry='5' opacity='.15'/>{legs}{slats}\
         <path d='M84 118v-10h10l2 5 8 2v3z' fill='#5a3a22'/>\
         <path d='M108 118v-10h10l2 5 8 2v3z' fill='#5a3a22'/>\
         <rect x='46' y='84' width='148' height='10' rx='3' fill='#b9834e'/>\
         <rect x='54' y='70' width='132' height='15' rx='7' fill='#6f5f90'/>\
         <path d='M98 71v13M142 71v13' stroke='#5c4d7c' stroke-width='2'/>"
    )
}

fn mirror() -> String {
    "<circle cx='120' cy='64' r='47' fill='#b9834e'/>\
     <circle cx='120' cy='64' r='41' fill='#f1f7fa'/>\
     <path d='M93 88l40-58M107 94l38-55' stroke='#fff' stroke-width='7' />\
     <path d='M82 78a41 41 0 0 0 76 0c-22 10-52 10-76 0z' fill='#c4d8e2'/>\
     <path d='M66 122h108v6H66z' fill='#8a5f36'/><path d='M150 122l3-20h12l3 20z' fill='#f4efe6'/>\
     <path d='M159 102c-2-12-10-14-14-20 10 0 14 6 14 12 2-10 6-16 14-18-2 10-8 16-12 26z' fill='#4f7f5b'/>"
        .to_owned()
}

fn umbrella_stand() -> String {
    let bands = row([100, 112, 124], |y| format!("<path d='M99 {y}h42' stroke='#24564f' stroke-width='3'/>"));
    format!(
        "<path d='M112 90V34a8 8 0 0 1 16 0' fill='none' stroke='#6b4423' stroke-width='5'/>\
         <path d='M104 92L88 44a7 7 0 0 1 13-5' fill='none' stroke='#20252b' stroke-width='5'/>\
         <path d='M106 90l-9-28c6-4 10-3 13-1l5 29z' fill='#c23b3b'/>\
         <path d='M128 92l4-34 14-4 2 6-10 32z' fill='#e0a72e'/>\
         <path d='M139 56l6-16' stroke='#6b4423' stroke-width='5' />\
         <ellipse cx='120' cy='144' rx='34' ry='5' opacity='.15'/>\
         <path d='M94 88h52l-5 56h-42z' fill='#2f6f66'/>\
         <ellipse cx='120' cy='88' rx='26' ry='5' fill='#24564f'/>{bands}"
    )
}

fn key_bowl() -> String {
    let teeth = row([150, 158], |x| format!("<path d='M{x} 74v7' stroke='#b98a2c' stroke-width='4'/>"));
    format!(
        "<path d='M40 124h160v10H40z' fill='#7d5a38'/>\
         <ellipse cx='120' cy='124' rx='40' ry='4' opacity='.2'/>\
         <circle cx='112' cy='66' r='13' fill='none' stroke='#d3a13a' stroke-width='6'/>\
         <path d='M124 71h40' stroke='#d3a13a' stroke-width='6' />{teeth}\
         <circle cx='96' cy='78' r='9' fill='none' stroke='#8d949b' stroke-width='4'/>\
         <path d='M66 82h108c0 26-18 42-54 42S66 108 66 82z' fill='#c46a4a'/>\
         <path d='M66 82h108l-2 9H68z' fill='#d98a6b'/>\
         <path d='M80 104c22 8 58 8 80 0' fill='none' stroke='#f1d9c4' stroke-width='3'/>"
    )
}

fn boots() -> String {
    row([0, 62], |x| {
        format!(
            "<g transform='translate({x} 0)'><ellipse cx='95' cy='145' rx='36' ry='4' opacity='.15'/>\
             <path d='M66 40h32v62c14 4 28 10 28 26v8H66z' fill='#e0a72e'/>\
             <path d='M66 40h32v11H66z' fill='#c48d1c'/>\
             <path d='M64 134h64v9H64z' fill='#4a3a22'/>\
             <path d='M74 58v60' stroke='#f3ca6a' stroke-width='5' /></g>"
        )
    })
}

fn parcel() -> String {
    "<ellipse cx='120' cy='141' rx='58' ry='5' opacity='.15'/>\
     <path d='M70 62h100v78H70z' fill='#c79a66'/>\
     <path d='M70 62l14-18h72l14 18z' fill='#d9b386'/><path d='M112 44h16v96h-16z' fill='#a97b46'/>"
        .to_owned()
}

#[cfg(test)]
mod tests;
