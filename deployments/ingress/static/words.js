// What a person reads, in Korean and English beside each other, so that neither can be forgotten. Each view adds its own.

import { remember, remembered } from "./storage.js";

const WORDS = {};
const LANGUAGES = ["ko", "en"];
let language = remembered("language", LANGUAGES) || (navigator.language.startsWith("ko") ? "ko" : "en");

// words: { key: [Korean, English] }; {name} in a text is a value.
export function addWords(words) {
  const twice = Object.keys(words).find((key) => key in WORDS);
  if (twice) throw new Error(`the word ${twice} stands twice`);
  Object.assign(WORDS, words);
}

export const currentLanguage = () => language;
export const otherLanguage = () => (language === "ko" ? "en" : "ko");

export function setLanguage(name) {
  language = name;
  remember("language", name);
}

export function say(key, values = {}, inLanguage = language) {
  const text = WORDS[key]?.[LANGUAGES.indexOf(inLanguage)] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

addWords({
  ok: ["정상", "All well"], degraded: ["일부 이상", "Degraded"], down: ["중단", "Down"],
  unknown: ["확인 중", "Checking"], unreachable: ["서버 응답 없음", "Server does not answer"],
  MONITORED: ["감시 중", "Monitored"], DEGRADED: ["감지 이상", "Degraded"], UNMONITORED: ["감시 안 됨", "Unmonitored"],
  CONNECTING: ["연결 중", "Connecting"], DISABLED: ["꺼짐", "Disabled"], LOST: ["화면 연결 끊김", "Connection lost"],
  WAITING: ["영상 기다리는 중", "Waiting for the picture"], PAUSED: ["영상 일시 정지", "Picture paused"],
  INFO: ["정보", "Info"], WARNING: ["주의", "Warning"], CRITICAL: ["위험", "Critical"],
  open: ["진행 중", "Open"], escalated: ["심각해짐", "Escalated"], closed: ["종료", "Closed"],
  danger: ["위험 구역", "danger zone"], warning: ["주의 구역", "warning zone"],
  live: ["실시간", "Live"], waiting: ["연결 중", "Connecting"], away: ["데이터베이스 응답 없음", "Database does not answer"],
  lost: ["연결 끊김", "Connection lost"],
  viewLive: ["실시간", "Live"], viewEvents: ["이벤트", "Events"], viewCameras: ["카메라", "Cameras"], viewSystem: ["시스템", "System"], viewUsers: ["사용자", "Users"],
  viewAudit: ["감사 기록", "Audit"], viewCamera: ["카메라", "Camera"], viewsOfThePage: ["화면 목록", "Views"],
  skip: ["본문으로 건너뛰기", "Skip to the content"], toDark: ["어두운 화면", "Dark colours"], toLight: ["밝은 화면", "Light colours"],
  signIn: ["로그인", "Sign in"], signOut: ["로그아웃", "Sign out"], userName: ["사용자 이름", "User name"], password: ["비밀번호", "Password"],
  signInWrong: ["이름 또는 비밀번호가 맞지 않습니다.", "Name or password is wrong."],
  signInSlow: ["시도가 너무 많습니다. 잠시 후 다시 시도하세요.", "Too many attempts. Wait a moment and try again."],
  signInAgain: ["세션이 끝났습니다. 다시 로그인하세요.", "The session has ended. Please sign in again."],
  signInWhy: ["로그인해야 볼 수 있습니다.", "Sign in to see the site."],
  viewer: ["조회자", "viewer"], operator: ["운영자", "operator"], admin: ["관리자", "admin"],
  noAnswer: ["서버가 응답하지 않습니다. 다시 시도합니다.", "The server does not answer. Trying again."],
  notThere: ["이 서버에는 아직 없는 기능입니다.", "This server does not have that yet."],
  notAllowed: ["권한이 없습니다.", "You are not allowed to do that."],
  refused: ["요청이 처리되지 않았습니다 ({status})", "The request was not carried out ({status})"],
  loading: ["불러오는 중…", "Loading…"], close: ["닫기", "Close"], cancel: ["취소", "Cancel"], save: ["저장", "Save"], remove: ["삭제", "Delete"],
  more: ["더 보기", "More"], all: ["전체", "All"], yes: ["예", "Yes"], no: ["아니요", "No"], reason: ["사유", "Reason"], none: ["없음", "None"],
  criticalOpen: ["위험 {n}건 진행 중", "{n} critical open"],
  alarmSaid: ["위험: {what}, {where}", "Critical: {what}, {where}"],
  alarmBlind: ["감시 안 됨: {where}", "Unmonitored: {where}"],
  pageFailed: ["이 화면에서 오류가 발생했습니다. 새로 고치세요.", "This view failed. Please reload the page."],
});

const TYPES = {
  DANGER_ZONE_INTRUSION: ["위험 구역 침입", "Danger zone intrusion"],
  WARNING_ZONE_INTRUSION: ["주의 구역 진입", "Warning zone intrusion"],
  ZONE_DWELL: ["구역 내 장시간 체류", "Staying too long in a zone"],
  PERSON_ENTRANCE: ["사람 입장", "Person entered"],
  PERSON_EXIT: ["사람 퇴장", "Person left"],
  PERSON_FALLEN: ["사람 쓰러짐", "Person fallen"],
  CAMERA_UNMONITORED: ["카메라 감시 안 됨", "Camera unmonitored"],
  CAMERA_DEGRADED: ["카메라 감지 이상", "Camera degraded"],
};

const OBJECTS = {
  person: ["사람", "Person"], fallen_person: ["쓰러진 사람", "Fallen person"], helmet: ["안전모", "Helmet"],
  vest: ["안전 조끼", "Vest"], mask: ["마스크", "Mask"], gloves: ["장갑", "Gloves"], boots: ["안전화", "Boots"],
  goggles: ["보안경", "Goggles"], machinery: ["기계", "Machinery"], vehicle: ["차량", "Vehicle"],
  safety_cone: ["안전 고깔", "Safety cone"], fire_extinguisher: ["소화기", "Fire extinguisher"],
};

export const EQUIPMENT = ["helmet", "vest", "mask", "gloves", "boots", "goggles"];
export const EVENT_TYPES = [
  ...Object.keys(TYPES), ...EQUIPMENT.map((item) => `PPE_${item.toUpperCase()}_MISSING`), "FIRE_EXTINGUISHER_MISSING", "SAFETY_CONE_MISSING",
];

const pick = (pair) => pair[LANGUAGES.indexOf(language)];

export function sayObject(label) {
  return OBJECTS[label] ? pick(OBJECTS[label]) : label;
}

export function sayType(type) {
  if (TYPES[type]) return pick(TYPES[type]);
  const missing = /^(?:PPE_)?(\w+)_MISSING$/.exec(type);
  if (!missing) return type;
  const what = sayObject(missing[1].toLowerCase());
  if (type.startsWith("PPE_")) return language === "ko" ? `${what} 미착용` : `${what} not worn`;
  return language === "ko" ? `${what} 없음` : `${what} missing`;
}
