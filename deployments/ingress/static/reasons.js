// Why a camera gives no picture, nobody looks at it, or an episode is over, in plain words. The server's own line says more, and to who mends it.

import { say } from "./words.js";

const PLAIN = [
  [/^unreachable\b/, "카메라에 연결할 수 없습니다. 전원과 네트워크를 확인하세요.", "The camera cannot be reached. Check its power and the network."],
  [/^unauthorized\b/, "카메라가 로그인을 거부합니다. 사용자 이름과 비밀번호를 확인하세요.", "The camera refuses the login. Check user name and password."],
  [/^not_found\b/, "이 주소에는 영상이 없습니다. 주소를 확인하세요.", "There is no video at this address. Check the address."],
  [/^unreadable\b/, "영상을 읽을 수 없습니다.", "The video cannot be read."],
  [/^(stalled\b|no frame\b)/, "카메라에서 영상이 오지 않습니다.", "No picture comes from the camera."],
  [/^ended\b/, "카메라의 영상이 끊어졌습니다.", "The camera's video broke off."],
  [/^frozen picture\b/, "화면이 멈춰 있습니다.", "The picture stands still."],
  [/^covered lens\b/, "렌즈가 가려졌거나 화면이 깜깜합니다.", "The lens is covered, or the picture is dark."],
  [/^config\b/, "이 주소는 사용할 수 없습니다.", "This source cannot be used."],
  [/^detection is switched off/, "감지가 꺼져 있습니다.", "Detection is switched off."],
  [/detector does not answer|detector has not answered/, "감지기가 응답하지 않습니다.", "The detector does not answer."],
  [/^the camera's process does not answer/, "카메라를 보는 프로그램이 응답하지 않습니다.", "The program that watches the camera does not answer."],
  [/^switched off/, "카메라를 꺼 두었습니다.", "The camera is switched off."],
  [/^rules about /, "지금 모델이 판단할 수 없는 규칙이 있습니다.", "The model in service cannot judge some of its rules."],
  [/^the camera's process starts/, "카메라를 시작하는 중입니다.", "The camera starts."],
  [/^left$/, "벗어남", "Left"],
  [/^lost from sight$/, "시야에서 사라짐", "Lost from sight"],
  [/^zone removed$/, "구역이 삭제됨", "The zone was removed"],
  [/^the camera moved to another node/, "카메라가 다른 서버로 옮겨짐", "The camera moved to another node"],
  [/^error\b/, "알 수 없는 이유로 영상이 오지 않습니다.", "No picture, and the reason is not known."],
];

// "" if there are no plain words for it.
export function sayPlainly(reason, language = document.documentElement.lang) {
  const found = PLAIN.find(([pattern]) => pattern.test(reason));
  return found ? found[language === "ko" ? 1 : 2] : "";
}

// What /health says of its parts: cameras by their names, and in the reader's language where there are words for it.
export function sayHealthReason(reason, nameOf) {
  return reason.replace(/\b([a-z0-9-]+) is (UNMONITORED|DEGRADED|CONNECTING|DISABLED)(?:: ([^;]*))?/g, (_, id, status, why = "") => {
    const known = why ? sayPlainly(why).replace(/\.$/, "") || why : "";
    return `${nameOf(id)}: ${say(status)}${known ? ` (${known})` : ""}`;
  });
}
