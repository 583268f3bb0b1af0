import { addWords } from "./words.js";

addWords({
  health: ["상태", "Health"],
  part_supervisor: ["카메라 관리", "Camera supervisor"], part_detector: ["감지기", "Detector"], part_database: ["데이터베이스", "Database"], part_snapshots: ["사진 저장소", "Snapshots"],
  part_notifications: ["알림", "Notifications"], part_configuration: ["설정", "Configuration"], part_cameras: ["카메라", "Cameras"], part_outboxes: ["이벤트 대기열", "Outboxes"],
  part: ["부분", "Part"], why: ["이유", "Why"], alarms: ["시스템 경보", "Firing alarms"], noAlarms: ["울리는 경보가 없습니다.", "No alarm is firing."],
  alarmsOff: ["Alertmanager가 설정되어 있지 않습니다 (site.yaml의 alertmanager_url).", "No Alertmanager is configured (alertmanager_url in site.yaml)."],
  camerasTitle: ["카메라", "Cameras"], name: ["이름", "Name"], captured: ["수신 fps", "Received fps"], looked: ["추론 fps", "Inferred fps"], frameAge: ["영상 나이", "Frame age"],
  inferenceAge: ["추론 나이", "Inference age"], dropped: ["버린 프레임", "Dropped frames"], reconnects: ["재연결", "Reconnects"], queue: ["대기 이벤트", "Events waiting"], node: ["노드", "Node"],
  nodes: ["노드", "Nodes"], alive: ["연결됨", "Alive"], gone: ["없음", "Gone"], gpus: ["GPU", "GPU"], load: ["사용률", "Load"], memory: ["메모리", "Memory"], temperature: ["온도", "Temperature"],
  deployments: ["구성 요소", "Deployments"], application: ["응용", "Application"], replicas: ["복제본", "Replicas"], detectors: ["감지 복제본", "Detector replicas"],
  models: ["모델", "Models"], model: ["모델", "Model"], digestOf: ["sha256", "sha256"], classes: ["클래스", "Classes"], licence: ["라이선스", "Licence"], configured: ["사용 설정", "Configured"],
  device: ["장치", "Device"], runtime: ["런타임", "Runtime"], ready: ["준비", "Ready"], fault: ["오류", "Fault"], verify: ["확인", "Verify"], reload: ["다시 불러오기", "Reload"],
  verified: ["sha256이 일치합니다.", "The sha256 is right."], reloaded: ["모델을 다시 불러왔습니다.", "The models were loaded again."],
  versions: ["버전", "Versions"], release: ["릴리스", "Release"], pid: ["프로세스", "Process"],
  users: ["사용자", "Users"], tokens: ["토큰", "Tokens"], role: ["역할", "Role"], camerasAllowed: ["볼 수 있는 카메라", "Cameras"], camerasHint: ["전체 (또는 ID, ID)", "all (or id, id)"],
  disabled: ["사용 중지", "Disabled"], created: ["만든 때", "Created"], expires: ["만료", "Expires"], revoked: ["취소됨", "Revoked"], revoke: ["취소", "Revoke"], days: ["유효 기간 (일)", "Valid for (days)"],
  addUser: ["사용자 추가", "Add a user"], addToken: ["토큰 만들기", "Make a token"], newPassword: ["새 비밀번호", "New password"], oldPassword: ["현재 비밀번호", "Current password"],
  change: ["변경", "Change"], done: ["완료했습니다.", "Done."], tokenOnce: ["이 토큰은 지금 한 번만 보입니다. 복사해 두세요.", "This token is shown only now. Copy it."], allCameras: ["전체", "all"],
  yourPassword: ["내 비밀번호", "Your password"], really: ["한 번 더 누르세요", "Click once more"],
  audit: ["감사 기록", "Audit"], who: ["누가", "Who"], action: ["행동", "Action"], subject: ["대상", "Subject"], detailOf: ["내용", "Detail"], address: ["주소", "Address"],
  apiPage: ["API 문서", "API documents"], seconds: ["{s}초", "{s} s"],
});
